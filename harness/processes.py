"""Starting child processes so that none of them outlives us.

Three kernel facilities do the work, so that nothing here polls or guesses:

* a *pidfd* becomes readable when its process ends: waiting for a process is waiting for an event;
* a *child sub-reaper* inherits every orphan below it: a process cannot leave the tree by daemonizing;
* the *parent-death signal* ends a child whose parent was killed and could not clean up.

The parent-death signal is tied to the **thread** that started the child, not to its process: start children from a
thread that lives as long as they do.

What is below a process, started here or not, is ``harness.process_tree``'s business.

Source: prctl(2) PR_SET_CHILD_SUBREAPER and PR_SET_PDEATHSIG, pidfd_open(2), proc(5). Linux 5.3 or newer.
"""

from __future__ import annotations

import contextlib
import ctypes
import functools
import os
import select
import shutil
import signal
import subprocess
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import IO

PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36

#: How long a killed process may take to disappear. Only a process stuck in the kernel needs more than milliseconds.
KILL_LIMIT_S = 30.0

#: How much of a child's stderr is worth showing.
STDERR_TAIL_BYTES = 16 * 1024

_prctl = ctypes.CDLL(None, use_errno=True).prctl


def become_subreaper() -> None:
    """Make this process the parent of every orphan below it.

    :raise OSError: when the kernel refuses.
    """
    _set_process_option(PR_SET_CHILD_SUBREAPER, 1)


def die_with_parent(parent_pid: int, death_signal: int = signal.SIGKILL) -> None:
    """Have the kernel send this process a signal when its parent ends, also when it has ended already.

    :param parent_pid: the parent at the time of the fork; another one by now means that it died in between.
    :raise OSError: when the kernel refuses.
    """
    _set_process_option(PR_SET_PDEATHSIG, death_signal)
    if os.getppid() != parent_pid:
        os.kill(os.getpid(), death_signal)


def _set_process_option(option: int, value: int) -> None:
    if _prctl(option, ctypes.c_ulong(value), ctypes.c_ulong(0), ctypes.c_ulong(0), ctypes.c_ulong(0)) != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"prctl option {option}: {os.strerror(number)}")


def describe_status(status: int) -> str:
    """Say in words how a process ended: ``ended with status 1``, ``was killed by SIGSEGV``.

    :param status: exit status, or the negative number of the signal that ended it, as `subprocess` counts.
    """
    if status >= 0:
        return f"ended with status {status}"
    try:
        return f"was killed by {signal.Signals(-status).name}"
    except ValueError:
        return f"was killed by signal {-status}"


class Child:
    """A process that this one started, in a process group of its own. A context manager: leaving it closes it.

    :ivar argv: the command line as given.
    :ivar pid: process id and process group id.
    :ivar pidfd: a descriptor that becomes readable when the process ends; for selectors and event loops.
    :ivar stdin: the writing end when started with ``stdin=subprocess.PIPE``, else None; likewise stdout, stderr.
    """

    def __init__(self, argv: tuple[str, ...], popen: subprocess.Popen[bytes], stderr_file: int | Path | None) -> None:
        self.argv = argv
        self.pid = popen.pid
        self.pidfd = os.pidfd_open(popen.pid)
        self.stdin: IO[bytes] | None = popen.stdin
        self.stdout: IO[bytes] | None = popen.stdout
        self.stderr: IO[bytes] | None = popen.stderr
        self._popen = popen
        self._stderr_file = stderr_file
        self._stderr_last = ""
        self._closed = False

    def __enter__(self) -> Child:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    @property
    def status(self) -> int | None:
        """How it ended, as `describe_status` reads it; None while it runs. Does not wait."""
        return self._popen.poll()

    def wait(self, timeout_s: float | None = None) -> int:
        """Wait until it has ended.

        :param timeout_s: limit, 0 or more; None waits without one.
        :return: exit status, or the negative number of the signal that ended it.
        :raise TimeoutError: when it still runs after timeout_s; the text names its pid and command line.
        """
        if self._popen.returncode is None and not self._closed and not wait_readable(self.pidfd, timeout_s):
            raise TimeoutError(f"process {self.pid} ({' '.join(self.argv)}) still runs after {timeout_s:g} s")
        return self._popen.wait()

    def kill_group(self, signal_number: int = signal.SIGKILL) -> None:
        """Send a signal to it and to whatever it started in its group. Does nothing once it has been waited for,
        because its number may belong to somebody else by then.
        """
        # Popen holds on to the zombie until somebody waits, so the number is still ours here.
        if self._popen.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.pid, signal_number)

    def stderr_size(self) -> int:
        """How many bytes it has written to stderr so far; 0 where `stderr_tail` is empty."""
        if self._stderr_file is None or self._closed:
            return 0
        try:
            return os.stat(self._stderr_file).st_size
        except FileNotFoundError:
            return 0

    def stderr_tail(self, length_bytes: int = STDERR_TAIL_BYTES) -> str:
        """The end of what it wrote to stderr so far; bytes that are not UTF-8 are shown as ``\\xNN``.

        Empty when stderr went to a pipe or to a descriptor of the caller's. Still there after `close`.
        """
        if self._stderr_file is None:
            return ""
        if self._closed:
            return self._stderr_last
        try:
            with (
                open(self._stderr_file, "rb", closefd=False)
                if isinstance(self._stderr_file, int)
                else open(self._stderr_file, "rb") as file
            ):
                size_bytes = os.fstat(file.fileno()).st_size
                data = os.pread(file.fileno(), length_bytes, max(0, size_bytes - length_bytes))
        except FileNotFoundError:
            return ""
        return data.decode("utf-8", "backslashreplace")

    def close(self) -> int:
        """Kill what still runs of its group, wait for it, and close every descriptor. May be called twice.

        :return: how it ended, as `wait`.
        :raise TimeoutError: when the kernel does not let it end within KILL_LIMIT_S.
        """
        if self._closed:
            return self._popen.wait()
        self.kill_group()
        try:
            return self.wait(KILL_LIMIT_S)
        finally:
            self._stderr_last = self.stderr_tail()
            self._closed = True
            for pipe in (self.stdin, self.stdout, self.stderr):
                if pipe is not None:
                    with contextlib.suppress(BrokenPipeError):
                        pipe.close()
            if isinstance(self._stderr_file, int):
                os.close(self._stderr_file)
            os.close(self.pidfd)


def start(
    argv: Sequence[str | Path],
    *,
    pass_fds: Sequence[int] = (),
    stdin: int | None = None,
    stdout: int | Path | None = None,
    stderr: int | Path | None = None,
    cwd: Path | None = None,
    environment: Mapping[str, str] | None = None,
) -> Child:
    """Start a program in a process group of its own; the kernel kills it when the calling thread ends.

    :param argv: program (a path, or a name looked up in PATH) and its arguments.
    :param pass_fds: descriptors that it inherits under the same numbers; all others are closed in it.
    :param stdin: a descriptor, or subprocess.PIPE; None means /dev/null.
    :param stdout: the same, or a file to append to.
    :param stderr: the same; None keeps it in memory for `Child.stderr_tail`.
    :param cwd: where it runs; None means here.
    :param environment: the whole environment; None means ours.
    :raise OSError: when it cannot be started: FileNotFoundError, PermissionError and so on, naming the program.

    The parent-death signal is set by setpriv(1), which costs 1 ms. Setting it between fork and exec from Python
    (``preexec_fn``) took 3 ms in a small process and 11 ms in one of 200 MiB, because it needs a full fork, and
    it is not safe once there are threads; so it is only the fallback where setpriv is missing or too old.
    """
    words = tuple(str(word) for word in argv)
    command, before_exec = _with_parent_death_signal((find_program(words[0]), *words[1:]))
    opened: list[int] = []
    stderr_file: int | Path | None = None
    try:
        if stderr is None:
            stderr = stderr_file = os.memfd_create("stderr")
        elif isinstance(stderr, Path):
            stderr_file = stderr
        popen = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL if stdin is None else stdin,
            stdout=subprocess.DEVNULL if stdout is None else _open_to_append(stdout, opened),
            stderr=_open_to_append(stderr, opened),
            pass_fds=pass_fds,
            cwd=cwd,
            env=environment,
            process_group=0,
            bufsize=0,
            preexec_fn=before_exec,  # noqa: PLW1509 - the fallback only, see above
        )
        return Child(words, popen, stderr_file)
    except BaseException:
        if isinstance(stderr_file, int):
            os.close(stderr_file)
        raise
    finally:
        for descriptor in opened:
            os.close(descriptor)


def _open_to_append(target: int | Path, opened: list[int]) -> int:
    if isinstance(target, int):
        return target
    opened.append(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o666))
    return opened[-1]


def find_program(name: str) -> str:
    """The path of a program that can be executed; setpriv would report a bad one too late, by an exit status.

    :raise OSError: saying in its ``strerror`` why there is none: no such program, not executable, a directory.
    """
    found = shutil.which(name)
    if found is not None:
        return os.path.abspath(found)
    if os.path.isdir(name):
        raise IsADirectoryError(21, "is a directory, not a program", name)
    if os.path.exists(name):
        raise PermissionError(13, "is not executable", name)
    raise FileNotFoundError(2, "no such program", name)


def _with_parent_death_signal(command: tuple[str, ...]) -> tuple[tuple[str, ...], Callable[[], None] | None]:
    setpriv = _setpriv()
    if setpriv is not None:
        return (setpriv, "--pdeathsig", "KILL", "--", *command), None
    return command, functools.partial(die_with_parent, os.getpid())


@functools.cache
def _setpriv() -> str | None:
    """A setpriv that knows --pdeathsig (util-linux 2.33 or newer; busybox has one that does not), or None."""
    found = shutil.which("setpriv")
    if found is None:
        return None
    answer = subprocess.run(
        [found, "--pdeathsig", "KILL", "--", found, "--help"],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
    )
    return found if answer.returncode == 0 else None


def wait_readable(descriptor: int, timeout_s: float | None) -> bool:
    """Wait until a descriptor is readable, or the time is over; say whether it is.

    :param timeout_s: limit, 0 or more; None waits without one.
    """
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    return bool(poll.poll(None if timeout_s is None else timeout_s * 1000))
