"""What a case left behind: processes, threads, descriptors and files that were not there before it.

A case that leaves something behind changes what the next one sees, so it fails by itself, whatever it printed. The
comparison is made inside the worker, which is a child sub-reaper: everything that the case started is still below it.
"""

from __future__ import annotations

import gc
import os
import shutil
import signal
import stat
import tempfile
import threading
from pathlib import Path

from harness import process_tree, results


class Surroundings:
    """The state of this process before a case, to compare with afterwards and to go back to.

    :ivar scratch: the case's scratch folder; emptied, with an empty folder for artefacts in it, and made current.
        Temporary files are made there, too: so they go with it when the case is killed.
    """

    def __init__(self, scratch: Path) -> None:
        self.scratch = scratch
        shutil.rmtree(scratch, ignore_errors=True)
        scratch.parent.mkdir(mode=0o700, exist_ok=True)
        scratch.mkdir(mode=0o700)
        (scratch / results.ARTEFACTS).mkdir()
        self._umask = os.umask(0o077)
        os.umask(self._umask)
        self._environment = dict(os.environ)
        self._threads = set(threading.enumerate())
        self._temporary_folder, tempfile.tempdir = tempfile.tempdir, str(scratch)
        os.chdir(scratch)
        self._descriptors = open_descriptors()

    def leftovers(self) -> list[str]:
        """Name everything that is there and was not before: processes, threads, descriptors, then files.

        A process that was killed already but has not quite gone is waited for and is nobody's fault.
        """
        left = self._left()
        if left:
            # What only a reference cycle keeps alive (an exception's frames, say) is rubbish, not a leak. To collect
            # it takes longer than many a case, so that is done only when something seems to be left.
            gc.collect()
            left = self._left()
        return left

    def _left(self) -> list[str]:
        return [
            *self._left_processes(),
            *self._left_threads(),
            *self._left_descriptors(),
            *self._left_files(),
        ]

    def restore(self) -> None:
        """Go back: current folder, umask, environment, alarm. What `leftovers` names is not undone here."""
        tempfile.tempdir = self._temporary_folder
        signal.setitimer(signal.ITIMER_REAL, 0)
        os.umask(self._umask)
        os.chdir("/")
        if dict(os.environ) != self._environment:
            os.environ.clear()
            os.environ.update(self._environment)
        shutil.rmtree(self.scratch, ignore_errors=True)

    def _left_processes(self) -> list[str]:
        if not process_tree.has_children():
            return []
        process_tree.reap_zombies()
        return [str(found) for found in process_tree.list_descendants(os.getpid()) if not found.ending]

    def _left_threads(self) -> list[str]:
        return [f"thread {thread.name}" for thread in threading.enumerate() if thread not in self._threads]

    def _left_descriptors(self) -> list[str]:
        now = open_descriptors()
        left = [
            f"descriptor {number} ({_describe_target(target)})"
            for number, target in sorted(now.items())
            if self._descriptors.get(number) != target
        ]
        closed = [f"closed descriptor {number}" for number in sorted(self._descriptors.keys() - now.keys())]
        return left + closed

    def _left_files(self) -> list[str]:
        left: list[str] = []
        if not self.scratch.is_dir():
            return ["no scratch folder"]
        for folder, folder_names, file_names in os.walk(self.scratch):
            if Path(folder) == self.scratch:
                folder_names[:] = [name for name in folder_names if name != results.ARTEFACTS]
            for name in sorted(folder_names + file_names):
                path = Path(folder) / name
                left.append(f"{_kind_of_file(path)} {_printable(str(path.relative_to(self.scratch)))}")
        return sorted(left)


def open_descriptors() -> dict[int, str]:
    """The open descriptors of this process and what each is open on, as /proc/self/fd says."""
    found: dict[int, str] = {}
    for name in os.listdir("/proc/self/fd"):
        try:
            found[int(name)] = os.readlink(f"/proc/self/fd/{name}")
        except FileNotFoundError:
            continue  # the descriptor of the listing itself
    return found


def _describe_target(target: str) -> str:
    """``socket:[81234]`` is a socket; the number says nothing to anybody."""
    kind, colon, _ = target.partition(":[")
    return kind if colon and "/" not in kind else _printable(target)


def _kind_of_file(path: Path) -> str:
    try:
        mode = path.lstat().st_mode
    except OSError:
        return "file"
    if stat.S_ISSOCK(mode):
        return "socket"
    if stat.S_ISDIR(mode):
        return "folder"
    if stat.S_ISFIFO(mode):
        return "fifo"
    return "file"


def _printable(text: str) -> str:
    return "".join(
        character if character.isprintable() else character.encode("unicode_escape", "surrogatepass").decode()
        for character in text
    )
