"""What each copy mode costs a guest, in virtual time: the reference, on disks that take a stated time for a request.

The target is ten times slower than the source. A guest of four threads, each of which thinks for 2 ms between two
requests, works on a disk of 16 MiB, starting with the mirror: *sequential* and *random* writes of 16 KiB, a *hot spot*
(nine of ten writes into one sixteenth of the disk), and *reading* (three reads of 64 KiB to one write of 16 KiB, at
random). Everything is counted by the model's own clock, so the figures are the same on every machine.

What they say: in ``write-async`` a write takes hardly longer than the source alone would, also while the job copies,
unless one of the same bytes is still on its way (the hot spot); its price is memory, and that the job is READY a little
later. In ``write-blocking`` a write takes the target's time, and while the job copies that of copies in its way too. In
``read-write-blocking`` a guest that reads saves the mirror reads of the source and makes it READY sooner, and pays for
it: its reads are slower, and writes wait for what they send. In ``background`` nobody waits; but what is written while
the job copies is read and written again, and a guest that writes here and there keeps the job from READY as long as it
goes on.

``python -m benchmarks modes`` prints the table; ``python -m benchmarks.modes --docs`` writes it, with a picture, to
``docs/modes-costs.md``.
"""

from __future__ import annotations

import random
import statistics
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from harness.storage import HeldStorage, Operation, StorageRequest
from harness.units import KIB, MIB
from reference_impl.backend import GuestRequest
from reference_impl.machine import Machine
from reference_impl.storage_node import Completion

SIZE = 16 * MIB
REQUESTS_COUNT = 2000
DEPTH = 4
THINK_NS = 2_000_000
SOURCE_REQUEST_NS = 100_000
SOURCE_NS_PER_BYTE = 1
TARGET_SLOWER = 10
MODES = ("background", "write-blocking", "write-async", "read-write-blocking")
PIECE_BYTES = 16 * KIB
"""Every request here is of whole ones."""

LOADS = ("sequential", "random", "hot spot", "reading")


class SlowDisk:
    """Storage that takes its time: so much a request, and so much a byte, one request's bytes after the other's.

    :ivar mirror_requests_count: how many requests were not a guest's own. :ivar bytes_read, bytes_written: by those.
    :ivar bytes_again: how many of them had been read, or written, by such a request before.
    """

    def __init__(self, name: str, machine: Machine, slower: int) -> None:
        self.storage = HeldStorage(name, SIZE)
        self.storage.fill(0x11)
        self.storage.limit_record(0)
        self.mirror_requests_count = 0
        self.bytes_read = 0
        self.bytes_written = 0
        self.bytes_again = 0
        self._seen: set[int] = set()
        self._scheduler = machine.scheduler
        self._request_ns = SOURCE_REQUEST_NS * slower
        self._ns_per_byte = SOURCE_NS_PER_BYTE * slower
        self._busy_until_ns = 0

    @property
    def size_bytes(self) -> int:
        return SIZE

    def submit(
        self,
        operation: str,
        offset: int,
        length: int,
        data: bytes | None,
        fua: bool,
        may_unmap: bool,
        completion: Completion,
    ) -> None:
        now_ns = self._scheduler.now_ns
        self._busy_until_ns = max(self._busy_until_ns, now_ns) + length * self._ns_per_byte
        task = self._scheduler.current
        if self.storage.name == "target" or task is None or not task.name.startswith("guest"):
            self._count(operation, offset, length)

        def on_complete(request: StorageRequest) -> None:
            completion(request.errno, request.result)

        def serve() -> None:
            self.storage.submit(
                Operation(operation), offset, length, data, fua=fua, may_unmap=may_unmap, on_complete=on_complete
            )

        self._scheduler.timer(self._busy_until_ns - now_ns + self._request_ns, f"{operation} {offset}+{length}", serve)

    def _count(self, operation: str, offset: int, length: int) -> None:
        self.mirror_requests_count += 1
        if operation == Operation.READ:
            self.bytes_read += length
        elif operation == Operation.WRITE:
            self.bytes_written += length
        pieces = range(offset // PIECE_BYTES, (offset + length) // PIECE_BYTES)
        self.bytes_again += PIECE_BYTES * sum(piece in self._seen for piece in pieces)
        self._seen.update(pieces)

    def block_status(self, offset: int, length: int) -> tuple[int, bool, bool]:
        return length, False, False


@dataclass
class Figures:
    """What one run came to. Times in milliseconds of virtual time, amounts in MiB."""

    copying_mean_ms: float
    ready_mean_ms: float
    write_p99_ms: float
    read_mean_ms: float
    ready_ms: float
    requests_to_ready: int
    source_read_mib: float
    source_read_again_mib: float
    target_written_mib: float
    target_written_again_mib: float


@dataclass
class Guest:
    """A closed loop: a new request for each that is answered, after a pause.

    :ivar writes: of each write when it began and how long it took.
    """

    machine: Machine
    requests: Iterator[GuestRequest]
    threads: int = DEPTH
    writes: list[tuple[int, int]] = field(default_factory=list)
    read_latencies_ns: list[int] = field(default_factory=list)

    def open(self) -> None:
        self._backend = self.machine.open_guest("source")

    def begin(self) -> None:
        for _ in range(DEPTH):
            self._next()

    def _next(self) -> None:
        request = next(self.requests, None)
        if request is None:
            self.threads -= 1
            return
        start_ns = self.machine.scheduler.now_ns

        def on_done(done: GuestRequest) -> None:
            latency_ns = self.machine.scheduler.now_ns - start_ns
            if done.operation == "read":
                self.read_latencies_ns.append(latency_ns)
            else:
                self.writes.append((start_ns, latency_ns))
            self.machine.scheduler.timer(THINK_NS, "guest thinks", self._next)

        self._backend.submit(request, on_done)


def load(name: str) -> Iterator[GuestRequest]:
    """The requests of a load, always the same."""
    chance = random.Random(name)
    for number in range(REQUESTS_COUNT):
        if name == "reading" and number % 4:
            yield GuestRequest("read", chance.randrange(SIZE // (64 * KIB)) * 64 * KIB, 64 * KIB)
            continue
        if name == "sequential":
            offset = number * 16 * KIB % SIZE
        elif name == "hot spot" and chance.random() < 0.9:
            offset = chance.randrange(SIZE // 16 // (16 * KIB)) * 16 * KIB
        else:
            offset = chance.randrange(SIZE // (16 * KIB)) * 16 * KIB
        yield GuestRequest("write", offset, 16 * KIB, bytes([number % 251]) * 16 * KIB)


def measure(mode: str, load_name: str) -> Figures:
    """Run one load against a mirror in one mode until it is ready and the load is over.

    :raise RuntimeError: when the disks differ in the end, which would make the figures worthless.
    """
    ready_ns: list[int] = []
    requests_to_ready: list[int] = []

    def on_event(name: str, data: object) -> None:
        if name == "BLOCK_JOB_READY":
            ready_ns.append(machine.scheduler.now_ns)
            requests_to_ready.append(source.mirror_requests_count + target.mirror_requests_count)

    machine = Machine(on_event=on_event)
    source, target = SlowDisk("source", machine, 1), SlowDisk("target", machine, TARGET_SLOWER)
    target.storage.fill(0)
    machine.attach_storage("source", source)
    machine.attach_storage("target", target)
    guest = Guest(machine, load(load_name))
    guest.open()
    options = {"job-id": "j", "device": "source", "target": "target", "sync": "full", "copy-mode": mode}
    machine.execute("blockdev-mirror", options | {"buf-size": 1 * MIB})
    guest.begin()
    while guest.threads or not ready_ns:
        machine.scheduler.settle()
        machine.scheduler.advance_to_next_timer()
    while source.storage.first_difference(target.storage) is not None:
        machine.scheduler.settle()
        if not machine.scheduler.advance_to_next_timer():
            raise RuntimeError(f"{mode}, {load_name}: the disks stay different")
    reads = guest.read_latencies_ns
    return Figures(
        mean_ms([latency for start, latency in guest.writes if start < ready_ns[0]]),
        mean_ms([latency for start, latency in guest.writes if start >= ready_ns[0]]),
        statistics.quantiles([latency for _, latency in guest.writes], n=100)[98] / 1e6,
        mean_ms(reads),
        ready_ns[0] / 1e6,
        requests_to_ready[0],
        source.bytes_read / MIB,
        source.bytes_again / MIB,
        target.bytes_written / MIB,
        target.bytes_again / MIB,
    )


def mean_ms(latencies_ns: list[int]) -> float:
    """The mean in milliseconds; 0 of none."""
    return statistics.fmean(latencies_ns) / 1e6 if latencies_ns else 0.0


def cell(value_ms: float) -> str:
    """A time in a table; a dash where nothing was measured."""
    return f"{value_ms:.2f}" if value_ms else "-"


HEADINGS = (
    "load",
    "mode",
    "write while copying, mean ms",
    "write after READY, mean ms",
    "write, 99th percentile ms",
    "read, mean ms",
    "READY after ms",
    "the mirror's requests to READY",
    "read for the mirror, MiB",
    "of that again",
    "written to the target, MiB",
    "of that again",
)


def rows() -> list[tuple[str, ...]]:
    """The table, without its headings."""
    table = []
    for load_name in LOADS:
        for mode in MODES:
            figures = measure(mode, load_name)
            table.append(
                (
                    load_name,
                    mode,
                    cell(figures.copying_mean_ms),
                    cell(figures.ready_mean_ms),
                    f"{figures.write_p99_ms:.2f}",
                    cell(figures.read_mean_ms),
                    f"{figures.ready_ms:.0f}",
                    f"{figures.requests_to_ready}",
                    f"{figures.source_read_mib:.1f}",
                    f"{figures.source_read_again_mib:.1f}",
                    f"{figures.target_written_mib:.1f}",
                    f"{figures.target_written_again_mib:.1f}",
                )
            )
    return table


def picture(table: list[tuple[str, ...]]) -> str:
    """Mean write latencies as bars, pale while the job copies and dark after READY: an SVG that needs nothing else."""
    latencies = [[0.0 if cell == "-" else float(cell) for cell in row[2:4]] for row in table]
    longest = max(map(max, latencies))
    lines = [
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 760 640" font-family="sans-serif" font-size="12">',
        "<title>Mean latency of a guest's write in milliseconds, by load and copy mode: pale while the job copies, dark"
        " after READY</title>",
    ]
    for number, row in enumerate(table):
        y = 12 + number * 36 + number // len(MODES) * 12
        shade = ("#9aa7b4", "#b0603a", "#3a7d5a", "#5a5ab0")[number % len(MODES)]
        lines.append(f'<text x="4" y="{y + 18}">{row[0]}, {row[1]}</text>')
        for place, opacity in enumerate(("0.45", "1")):
            width = latencies[number][place] / longest * 380
            top = y + place * 14
            lines.append(
                f'<rect x="220" y="{top}" width="{width:.1f}" height="12" fill="{shade}" fill-opacity="{opacity}"/>'
            )
            label = "never READY while the guest writes" if row[2 + place] == "-" else f"{row[2 + place]} ms"
            lines.append(f'<text x="{226 + width:.1f}" y="{top + 10}">{label}</text>')
    return "\n".join([*lines, "</svg>", ""])


def document(table: list[tuple[str, ...]]) -> str:
    """The page about it: what is measured, what it says, the table and the picture."""
    paragraphs = (__doc__ or "").split("\n\n")[1:-1]
    lines = ["# What the copy modes cost", ""]
    for paragraph in paragraphs:
        lines += [*paragraph.replace("``", "`").splitlines(), ""]
    lines += ["| " + " | ".join(HEADINGS) + " |", "|" + "---|" * len(HEADINGS)]
    lines += ["| " + " | ".join(row) + " |" for row in table]
    lines += [
        "",
        "![Mean latency of a guest's write, pale while the job copies, dark after READY](modes-costs.svg)",
        "",
    ]
    return "\n".join(lines)


def main() -> int:
    """Print the table, or write it into the documentation."""
    table = rows()
    if "--docs" in sys.argv:
        folder = Path(__file__).parent.parent / "docs"
        (folder / "modes-costs.md").write_text(document(table))
        (folder / "modes-costs.svg").write_text(picture(table))
        return 0
    widths = [max(len(row[column]) for row in [HEADINGS, *table]) for column in range(len(HEADINGS))]
    for row in [HEADINGS, *table]:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
    return 0


if __name__ == "__main__":
    sys.exit(main())
