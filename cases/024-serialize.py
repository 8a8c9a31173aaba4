"""024-serialize: a bitmap travels as little-endian words, whole or in parts, and is the same when it arrives.

Bit i of the whole is granule i. A part begins and ends at a multiple of the alignment, a word of granules, the last
part excepted. What arrives replaces what was there, and after the last part the count is right again.

Groups: hbitmap
Needs: hbitmap hbitmap-serialize
Source: HB-35, HB-36, HB-37, HB-38, HB-48, B4, B14
"""

from harness.bench import Bench
from harness.bitmap_view import BitmapView, describe_bits

WORD = 64
LEVEL = 64 * WORD
LEVEL_ABOVE = 64 * LEVEL

POSITIONS = (0, 1, 63, 64, 4095, 4096, 4097, 262143)


def serialize(bitmap: BitmapView, start: int, count: int) -> bytes:
    return bitmap.ask("serialize", lambda: bitmap.bitmap.serialize_part(start, count))


def show_alignment(bitmap: BitmapView) -> None:
    alignment = bitmap.ask("alignment", lambda: bitmap.bitmap.serialization_alignment)
    bitmap.say(f"alignment {alignment}")


def run(bench: Bench) -> None:
    bench.note("HB-35: parts are made of whole words")
    show_alignment(bench.bitmap(2 * LEVEL_ABOVE, 3))

    bench.note("HB-36: all of it, away and back")
    bitmap = bench.bitmap(LEVEL_ABOVE)
    length_bytes = bitmap.ask("size", lambda: bitmap.bitmap.serialization_size(0, LEVEL_ABOVE))
    bitmap.say(f"{length_bytes} bytes")
    other = bench.bitmap(LEVEL_ABOVE, name="back")
    for position in POSITIONS:
        for wanted in POSITIONS:
            count = min(wanted, LEVEL_ABOVE - position)
            bitmap.ask("reset all", bitmap.bitmap.reset_all)
            bitmap.ask("set", lambda p=position, c=count: bitmap.bitmap.set(p, c))
            data = serialize(bitmap, 0, LEVEL_ABOVE)
            other.ask("deserialize", lambda d=data: other.bitmap.deserialize_part(d, 0, LEVEL_ABOVE, True))
            bench.say(f"set {position}+{count} -> bits {describe_bits(data)}; back: {other.state()}")

    bench.note("HB-37: in 64 parts")
    bitmap = bench.bitmap(LEVEL_ABOVE)
    for item in POSITIONS:
        bitmap.set(item, 1)
    empty_count = 0
    for part in range(64):
        bits = describe_bits(serialize(bitmap, part * LEVEL, LEVEL))
        if bits == "none":
            empty_count += 1
        else:
            bitmap.say(f"part {part} -> bits {bits}")
    bitmap.say(f"nothing in the other {empty_count} parts")

    bench.note("HB-38: parts that are known to be clean")
    bitmap = bench.bitmap(LEVEL_ABOVE)
    starts = (0, WORD, LEVEL, LEVEL_ABOVE - WORD)
    for start in starts:
        bitmap.set(start, WORD)
    for start in starts:
        bitmap.do(
            f"deserialize zeroes {start}+{WORD}",
            lambda s=start: bitmap.bitmap.deserialize_zeroes(s, WORD, True),
        )
        bitmap.next(0)

    bench.note("B4: parts that are known to be dirty; the count is right after the last one")
    bitmap = bench.bitmap(LEVEL + 10, 3)
    bitmap.do("deserialize ones, all", lambda: bitmap.bitmap.deserialize_ones(0, LEVEL + 10, True))
    bitmap.ask("deserialize", lambda: bitmap.bitmap.deserialize_zeroes(0, LEVEL, False))
    bitmap.do("deserialize zeroes, then finish", bitmap.bitmap.deserialize_finish)

    bench.note("bits behind the last granule are ignored")
    bitmap = bench.bitmap(10)
    bitmap.do("deserialize a word of ones", lambda: bitmap.bitmap.deserialize_part(b"\xff" * 8, 0, 10, True))
    bench.say(f"bits {describe_bits(serialize(bitmap, 0, 10))}")

    bench.note("parts that are none")
    bitmap = bench.bitmap(LEVEL, 3)
    bitmap.set(0, 8)
    for start, count, value in ((8, 512, 8), (0, 8, 8), (0, 2 * LEVEL, 2 * LEVEL)):
        bitmap.refused(f"serialize {start}+{count}", lambda s=start, c=count: bitmap.bitmap.serialize_part(s, c), value)
    bitmap.refused("7 bytes for a word", lambda: bitmap.bitmap.deserialize_part(b"1234567", 0, 512, True), 7)
    bitmap.show()

    bench.note("B14: a word of granules of 2^58 items has more items than 64 bits can count")
    show_alignment(bench.bitmap(1 << 60, 57))
    bitmap = bench.bitmap(1 << 60, 58)
    bitmap.refused("alignment", lambda: bitmap.bitmap.serialization_alignment, 58)
