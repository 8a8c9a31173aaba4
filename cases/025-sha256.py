"""025-sha256: the hash of a bitmap is the SHA-256 of its words, and of nothing else.

A bitmap without a granule is one zero word. Size and granularity are not part of it.

Groups: hbitmap quick
Needs: hbitmap hbitmap-sha256
Source: QQ-4, B4
"""

from harness.bench import Bench
from harness.bitmap_view import BitmapView


def show(bitmap: BitmapView) -> None:
    bitmap.say(f"sha256 {bitmap.ask('sha256', bitmap.bitmap.sha256)}")


def run(bench: Bench) -> None:
    bench.note("one zero word: no granule, one, and 64")
    for size in (0, 1, 64):
        show(bench.bitmap(size))
    bench.note("two zero words")
    show(bench.bitmap(65))
    bench.note("the same words at another granularity")
    for granularity in (0, 16):
        bitmap = bench.bitmap(4096 << granularity, granularity)
        bitmap.set(5 << granularity, 1)
        bitmap.set(4000 << granularity, 96 << granularity)
        show(bitmap)
        bitmap.reset_all()
        show(bitmap)
