"""How cases talk to consoles and to the human monitor: each line and its answer go into the transcript.

What lawfully differs between two runs is taken out here: how long a request took, the version in the monitor's banner,
the quotes around names in the one error that got them, and the word before another.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from harness.consoles.console import Console
from harness.consoles.hmp import PROMPT as HMP_PROMPT

if TYPE_CHECKING:
    from harness.bench import Bench

TIMING = re.compile(r"^(?P<count>.* ops); [0-9:.]+ sec \(.*\)$", re.M)
"""Each request of ``qemu-io`` tells its duration and rate, which are the machine's affair."""

BANNER = re.compile(r"^QEMU \S+ monitor - ", re.M)
"""The one line that tells the version; goldens are for all."""

NOT_FOUND = re.compile(r"Cannot find device=(?!')(\S*) nor node_name=(\S+)")
"""Up to 5.2 names are without quotes here (real-qemu F)."""

BUSY = re.compile(r"^Error: (?=Node '.*' is busy)", re.M)
"""In 11.1 ``drive_del`` says its error as all other commands do, before it says the error alone."""


def without_what_differs(text: str) -> str:
    """An answer without times and version, in the words of today."""
    text = NOT_FOUND.sub(r"Cannot find device='\1' nor node-name='\2'", text)
    text = BUSY.sub("", text)
    return BANNER.sub("QEMU X.Y.Z monitor - ", TIMING.sub(r"\g<count>; TIME", text))


class Conversation:
    """A talk with a console, printed.

    :param console: it is greeted already; what it said is printed.
    """

    def __init__(self, bench: Bench, console: Console) -> None:
        self._bench = bench
        self._console = console
        # From 10.0 on a monitor on a terminal of its own says its banner twice (real-qemu H).
        lines = without_what_differs(console.greeting).replace(console.prompt, "").split("\n")
        self._print("\n".join(dict.fromkeys(lines)))

    def say(self, line: str) -> str:
        """Type a line, wait for the answer and print both, then settle; return the answer."""
        self.start(line)
        return self.finish()

    def start(self, line: str) -> None:
        """Type a line and print it, without waiting for the answer."""
        self._bench.say(f"{self._console.prompt}{line}")
        self._console.send(line)

    @property
    def answered(self) -> bool:
        """Whether the last line was answered."""
        return self._console.answer is not None

    def finish(self) -> str:
        """Wait for the answer and print it, then settle; return it."""
        answer = without_what_differs(self._console.wait())
        self._print(answer)
        self._bench.settle()
        return answer

    def quit(self) -> None:
        """Say ``quit`` to a program that was started for this talk, and print how it ended."""
        self.say("quit")
        self._bench.say(f"it {self._console.exit_status()}")

    def _print(self, text: str) -> None:
        for line in text.split("\n"):
            if line.strip():
                self._bench.say(line)


class HumanMonitor:
    """The human monitor by command: ``human-monitor-command``, with what its ``qemu-io`` prints beside the reply."""

    def __init__(self, bench: Bench) -> None:
        self._bench = bench
        bench.session.take_output()

    def say(self, line: str) -> str:
        """Give a line, settle, and print the line, its reply and what came on standard output; return these."""
        bench = self._bench
        bench.say(f"{HMP_PROMPT}{line}")
        reply = bench.query("human-monitor-command", {"command-line": line})
        bench.session.settle()
        answer = without_what_differs(re.sub(r"\r*\n", "\n", f"{reply}{bench.session.take_output()}"))
        for part in answer.split("\n"):
            if part.strip():
                bench.say(part)
        bench.print_events()
        return answer

    def qemu_io(self, drive: str, command: str) -> str:
        """Have a drive do a command of ``qemu-io``."""
        return self.say(f'qemu-io {drive} "{command}"')
