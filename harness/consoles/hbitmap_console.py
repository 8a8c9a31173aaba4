"""The console that lets anybody's hierarchical bitmap be driven by lines of text: the worked example.

One line in, one line out; docs/hbitmap-console.md is the protocol. This server puts it in front of any Python object
that is a ``Bitmap``; the reference's is served by ``mirrorcheck hbitmap-console``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TextIO

from harness.consoles.hbitmap_protocol import DONE, ERROR, GREETING, NOTHING, OPTIONAL, ConsoleRefusal

#: Makes a clean bitmap from its size in items and its granularity, the log2 of the items in a granule.
#: Merging and meta bitmaps take and give bitmaps of the same kind, whatever that is: hence ``Any``.
NewBitmap = Callable[[int, int], Any]

EXIT_DONE = 0


def serve(
    input: TextIO,
    output: TextIO,
    new_bitmap: NewBitmap,
    *,
    new_area_bitmaps: Mapping[str, NewBitmap] | None = None,
    refusal: type[Exception] = ValueError,
) -> int:
    """Answer every line of ``input`` until ``quit`` or the end of the input.

    :param new_area_bitmaps: for ``area`` and ``area-2018``, what makes a bitmap whose ``next_area`` can be asked.
    :param refusal: what the bitmaps raise when they refuse something; it becomes an ``error`` line. Any other exception
        is a bug and escapes.
    :return: exit status, 0.
    """
    console = HBitmapConsole(new_bitmap, new_area_bitmaps=new_area_bitmaps, refusal=refusal)
    for line in input:
        output.write(console.answer(line) + "\n")
        output.flush()
        if console.done:
            break
    return EXIT_DONE


class HBitmapConsole:
    """Bitmaps and iterators by number, and the commands for them.

    :ivar done: whether ``quit`` was answered.
    """

    def __init__(
        self,
        new_bitmap: NewBitmap,
        *,
        new_area_bitmaps: Mapping[str, NewBitmap] | None = None,
        refusal: type[Exception] = ValueError,
    ) -> None:
        self.done = False
        makers = new_area_bitmaps or {}
        features = [word for word in OPTIONAL if word in makers or not word.startswith("area")]
        self._refusals = (ConsoleRefusal, refusal)
        self._bitmaps: dict[int, Any] = {}
        #: The iterator, and the bitmap that it belongs to.
        self._iterators: dict[int, tuple[Any, Any]] = {}
        self._next_number = 0
        #: Command: what it does, and how many words it takes behind its name, at least and at most.
        self._commands: dict[str, tuple[Callable[..., str], int, int]] = {
            "hello": (lambda: GREETING, 0, 0),
            "features": (lambda: " ".join(features), 0, 0),
            "quit": (self._quit, 0, 0),
            "new": (self._maker(new_bitmap), 2, 2),
            "free": (self._free, 1, 1),
            "size": (lambda b: str(self._bitmap(b).size), 1, 1),
            "granularity": (lambda b: str(self._bitmap(b).granularity), 1, 1),
            "count": (lambda b: str(self._bitmap(b).count), 1, 1),
            "set": (lambda b, *range_: _ok(self._bitmap(b).set(*_numbers(range_))), 3, 3),
            "reset": (lambda b, *range_: _ok(self._bitmap(b).reset(*_numbers(range_))), 3, 3),
            "reset-outward": (lambda b, *range_: _ok(self._bitmap(b).reset_rounding_outward(*_numbers(range_))), 3, 3),
            "reset-all": (lambda b: _ok(self._bitmap(b).reset_all()), 1, 1),
            "get": (lambda b, item: str(int(self._bitmap(b).get(_number(item)))), 2, 2),
            "next-zero": (lambda b, *range_: str(self._bitmap(b).next_zero(*_numbers(range_))), 2, 3),
            "next-dirty": (lambda b, *range_: str(self._bitmap(b).next_dirty(*_numbers(range_))), 2, 3),
            "next-dirty-area": (self._next_dirty_area, 3, 4),
            "status": (self._status, 3, 3),
            "truncate": (lambda b, size: _ok(self._bitmap(b).truncate(_number(size))), 2, 2),
            "merge": (self._merge, 3, 3),
            "iter-new": (self._iter_new, 1, 2),
            "iter-free": (self._iter_free, 1, 1),
            "next": (lambda i: str(self._iterator(i)[0].next()), 1, 1),
            "peek": (lambda i: str(self._iterator(i)[0].next(advance=False)), 1, 1),
            "alignment": (lambda b: str(self._bitmap(b).serialization_alignment), 1, 1),
            "serialized-size": (lambda b, *range_: str(self._bitmap(b).serialization_size(*_numbers(range_))), 3, 3),
            "serialize": (self._serialize, 3, 3),
            "deserialize": (self._deserialize, 5, 5),
            "deserialize-zeroes": (self._deserialize_zeroes, 4, 4),
            "deserialize-ones": (self._deserialize_ones, 4, 4),
            "deserialize-finish": (lambda b: _ok(self._bitmap(b).deserialize_finish()), 1, 1),
            "sha256": (lambda b: self._bitmap(b).sha256(), 1, 1),
            "meta-new": (lambda b, chunk: self._keep(self._bitmap(b).create_meta(_number(chunk))), 2, 2),
            "meta-free": (lambda b: _ok(self._bitmap(b).free_meta()), 1, 1),
        }
        for word, new_area_bitmap in makers.items():
            self._commands[f"new-{word}"] = (self._maker(new_area_bitmap), 2, 2)
        if makers:
            self._commands["next-area"] = (self._next_area, 2, 2)

    def answer(self, line: str) -> str:
        """The answer to one line, without line ends."""
        try:
            name, *words = line.split() or [""]
            if name not in self._commands:
                raise ConsoleRefusal(f"unknown command '{name}'")
            function, words_min, words_max = self._commands[name]
            if not words_min <= len(words) <= words_max:
                wanted = str(words_min) if words_min == words_max else f"{words_min} to {words_max}"
                raise ConsoleRefusal(f"{name} takes {wanted} words, not {len(words)}")
            return function(*words)
        except self._refusals as error:
            return f"{ERROR} {error}"

    # Section: numbers for things

    def _keep(self, bitmap: Any) -> str:
        number = self._next_number
        self._next_number += 1
        self._bitmaps[number] = bitmap
        return str(number)

    def _bitmap(self, word: str) -> Any:
        number = _number(word)
        if number not in self._bitmaps:
            raise ConsoleRefusal(f"no bitmap {number}")
        return self._bitmaps[number]

    def _iterator(self, word: str) -> tuple[Any, Any]:
        number = _number(word)
        if number not in self._iterators:
            raise ConsoleRefusal(f"no iterator {number}")
        return self._iterators[number]

    # Section: commands of more than a line

    def _quit(self) -> str:
        self.done = True
        return DONE

    def _maker(self, new_bitmap: NewBitmap) -> Callable[..., str]:
        return lambda *numbers: self._keep(new_bitmap(*_numbers(numbers)))

    def _free(self, bitmap: str) -> str:
        self._bitmap(bitmap)
        del self._bitmaps[_number(bitmap)]
        return DONE

    def _next_dirty_area(self, bitmap: str, *range_: str) -> str:
        return _area(self._bitmap(bitmap).next_dirty_area(*_numbers(range_)))

    def _next_area(self, number: str, max_offset: str) -> str:
        iterator, bitmap = self._iterator(number)
        if not hasattr(bitmap, "next_area"):
            raise ConsoleRefusal(f"the bitmap of iterator {number} was not made for areas")
        return _area(bitmap.next_area(iterator, _number(max_offset)))

    def _status(self, bitmap: str, *range_: str) -> str:
        dirty, count = self._bitmap(bitmap).status(*_numbers(range_))
        return f"{int(dirty)} {count}"

    def _merge(self, a: str, b: str, result: str) -> str:
        destination = self._bitmap(result)
        return _ok(destination.merge(self._bitmap(a), self._bitmap(b), destination))

    def _iter_new(self, bitmap: str, *first: str) -> str:
        iterated = self._bitmap(bitmap)
        iterator = iterated.iterator(*_numbers(first))
        number = self._next_number
        self._next_number += 1
        self._iterators[number] = iterator, iterated
        return str(number)

    def _iter_free(self, iterator: str) -> str:
        self._iterator(iterator)
        del self._iterators[_number(iterator)]
        return DONE

    def _serialize(self, bitmap: str, *range_: str) -> str:
        data: bytes = self._bitmap(bitmap).serialize_part(*_numbers(range_))
        return data.hex() or NOTHING

    def _deserialize(self, bitmap: str, start: str, count: str, finish: str, data: str) -> str:
        words = b"" if data == NOTHING else _bytes(data)
        return _ok(self._bitmap(bitmap).deserialize_part(words, _number(start), _number(count), _flag(finish)))

    def _deserialize_zeroes(self, bitmap: str, start: str, count: str, finish: str) -> str:
        return _ok(self._bitmap(bitmap).deserialize_zeroes(_number(start), _number(count), _flag(finish)))

    def _deserialize_ones(self, bitmap: str, start: str, count: str, finish: str) -> str:
        return _ok(self._bitmap(bitmap).deserialize_ones(_number(start), _number(count), _flag(finish)))


def _ok(_: None) -> str:
    """The answer to a command that gives nothing but is done by now."""
    return DONE


def _area(area: tuple[int, int] | None) -> str:
    return NOTHING if area is None else f"{area[0]} {area[1]}"


def _number(word: str) -> int:
    digits = word.removeprefix("-")
    if not (digits.isascii() and digits.isdigit()):
        raise ConsoleRefusal(f"'{word}' is not a number")
    return int(word)


def _numbers(words: tuple[str, ...]) -> list[int]:
    return [_number(word) for word in words]


def _flag(word: str) -> bool:
    if word not in ("0", "1"):
        raise ConsoleRefusal(f"'{word}' is neither 0 nor 1")
    return word == "1"


def _bytes(word: str) -> bytes:
    try:
        return bytes.fromhex(word)
    except ValueError:
        raise ConsoleRefusal("the data is not hexadecimal") from None
