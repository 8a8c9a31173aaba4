"""Lives of a mirror in the copy modes that QEMU has not got, for cases that put faults and crashes everywhere in them.

Each is frozen, written to and read from, let go, written to again, and completed. Source: TD-1, TD-4, TD-5.
"""

from __future__ import annotations

from collections.abc import Callable

from harness.bench import Bench
from harness.disk import Disk
from harness.guest import Guest
from harness.units import KIB

GRANULE = 64 * KIB
GRANULES = 6

Life = Callable[[Bench], None]


def life_in(copy_mode: str, *, write_back: bool = False) -> Life:
    """A life in one mode from its beginning to its end.

    :param write_back: whether both disks have write-back caches.
    """

    def life(bench: Bench) -> None:
        _, _, guest = _begin(bench, copy_mode, write_back=write_back)
        _use_before_ready(guest)
        _let_go(bench)
        _use_when_ready(guest)
        _complete(bench)

    return life


def switched_life(*, write_back: bool = False) -> Life:
    """A life in which the mode is changed again and again, with a write of before each change under way."""

    def life(bench: Bench) -> None:
        _, _, guest = _begin(bench, "read-write-blocking", write_back=write_back)
        _use_before_ready(guest)
        _change(bench, "write-async")
        _let_go(bench)
        for number, mode in enumerate(("background", "write-async", "write-blocking", "write-async")):
            before = guest.start_write(number * GRANULE + 512, GRANULE, 0x60 + number)
            _change(bench, mode)
            after = guest.start_write(number * GRANULE + 1024, GRANULE, 0x70 + number)
            before.wait()
            after.wait()
            guest.flush()
        _use_when_ready(guest)
        _complete(bench)

    return life


LIVES: dict[str, Callable[..., Life]] = {
    "write-async": lambda **options: life_in("write-async", **options),
    "read-write-blocking": lambda **options: life_in("read-write-blocking", **options),
    "one after the other": switched_life,
}
"""By what is said of the mode."""


def _begin(bench: Bench, copy_mode: str, *, write_back: bool) -> tuple[Disk, Disk, Guest]:
    source = bench.disk("source", GRANULES * GRANULE, 0x11, write_back=write_back)
    target = bench.disk("target", GRANULES * GRANULE, 0x99, write_back=write_back)
    guest = bench.guest(source)
    bench.mirror(source, target, copy_mode=copy_mode, speed=1, buf_size=GRANULE)
    bench.show_progress()
    return source, target, guest


def _use_before_ready(guest: Guest) -> None:
    guest.write(2 * GRANULE, GRANULE, 0x22)
    guest.flush()
    guest.write(4 * GRANULE + 512, 1024, 0x33)
    guest.zero(3 * GRANULE, GRANULE)
    guest.read(GRANULE - 512, GRANULE + 1024)
    guest.read(4 * GRANULE, 2 * GRANULE)


def _let_go(bench: Bench) -> None:
    bench.execute("block-job-set-speed", device="job0", speed=0)
    bench.wait_event("BLOCK_JOB_READY")


def _use_when_ready(guest: Guest) -> None:
    for request in [guest.start_write(number * GRANULE + 512, 2 * GRANULE, 0x40 + number) for number in range(3)]:
        request.wait()
    guest.write(GRANULE - 512, 1024, 0x44, fua=True)
    guest.zero(0, 512)
    guest.flush()
    guest.read(0, GRANULES * GRANULE)
    guest.write(5 * GRANULE, 512, 0x55)


def _change(bench: Bench, copy_mode: str) -> None:
    bench.execute("job-change", id="job0", type="mirror", copy_mode=copy_mode)


def _complete(bench: Bench) -> None:
    bench.execute("job-complete", id="job0")
    bench.wait_event("JOB_STATUS_CHANGE", status="null")
