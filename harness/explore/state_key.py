"""Tells whether two runs have come to the same state, so that what follows need be run once only.

The key of a state says everything that can decide what happens from now on: the model down to the last object, where
each of its coroutines stands and what it has in hand, what is held, and what those who look on have noted. It is made
by walking over all objects that can be reached from a few roots and writing down what they are:

- a number, a text or a value of an enumeration by its value; a page of zeroes that nobody wrote is not what somebody
  wrote, so that pages of zeroes are told apart by identity as held storage does;
- a container by its kind and what it holds, in its order; a set by its sorted values;
- an object by its class and its attributes; when it is met again, by the number it was given the first time, so that
  who shares what with whom is part of the key;
- a coroutine or generator by its code, the instruction that it waits at, the names it has bound, and everything that
  its frame refers to, which includes what is still to be worked with;
- a function by its code and what it closes over; classes, modules and code by identity, because nobody changes them.

**Whatever is of no known kind makes the state one of a kind**: it is compared with nothing. So a gap in this list costs
time and never hides a schedule. What the key leaves out is named by `Omitted`, each with the reason why nothing that is
still to come depends on it.
"""

from __future__ import annotations

import enum
import functools
import gc
import hashlib
import marshal
import pathlib
import types
import weakref
from collections import Counter, deque
from collections.abc import Iterable, Mapping
from typing import Any

from harness.pages import ZERO_PAGE

Omitted = Mapping[str, frozenset[str]]
"""By the name of a class: attributes that say what has been, and that nothing to come depends on."""

_ATOMS = frozenset({int, str, float, bool, type(None)})
_ZERO_PAGE_MARK = ("page of zeroes",)
_SHARED_MARK = ("shared",)
_BY_IDENTITY = (type, types.ModuleType, types.CodeType)
_SEQUENCES = {tuple: "tuple", list: "list", deque: "deque"}
_MAPPINGS = (dict, Counter)
_ITERATORS = frozenset({type(iter(())), type(iter([])), type(iter(range(0)))})
_OPAQUE_WRAPPERS = frozenset({"coroutine_wrapper", "async_generator_asend"})
_OWN_PACKAGES = frozenset({"harness", "reference_impl", "contextlib"})


class UnknownKindError(Exception):
    """There is an object that the key cannot describe."""


class _Shape:
    """The attributes of a class's objects."""

    __slots__ = ("has_arguments", "has_dict", "is_tuple", "mark", "omitted", "slots")

    def __init__(self, kind: type, omitted: frozenset[str]) -> None:
        self.omitted = omitted
        self.slots = tuple(name for name in _slots_of(kind) if name not in omitted)
        self.has_dict = bool(kind.__dictoffset__)
        self.is_tuple = issubclass(kind, tuple)
        self.has_arguments = issubclass(kind, BaseException)
        self.mark = (f"{kind.__module__}.{kind.__qualname__}", id(kind))


def _slots_of(kind: type) -> list[str]:
    return [
        f"_{base.__name__.lstrip('_')}{name}" if name.startswith("__") else name
        for base in kind.__mro__
        for name in _names_in(base.__dict__.get("__slots__", ()))
        if name not in ("__dict__", "__weakref__")
    ]


def _names_in(slots: str | Iterable[str]) -> Iterable[str]:
    return (slots,) if isinstance(slots, str) else slots


class StateKeys:
    """Makes keys of states.

    :param omitted: what they leave out.
    :param shared: objects that are the same in all states and never change, such as a scenario.
    :param outside: names of classes whose objects stand for something outside of this program, such as a file.
    """

    def __init__(
        self, omitted: Omitted, shared: tuple[object, ...] = (), outside: frozenset[str] = frozenset()
    ) -> None:
        self._omitted = omitted
        self._outside = outside
        self._shared = shared
        self._shared_ids = frozenset(id(each) for each in shared)
        self._shapes: dict[type, _Shape | None] = {}
        #: Each text of bytes that was met, by its number: the same few pages are met over and over again.
        self._contents: dict[object, int] = {}

    def key_of(self, *roots: object, unchanging: tuple[object, ...] = ()) -> bytes | None:
        """The key of a state, None for one that is compared with nothing.

        :param roots: what the state is reached from.
        :param unchanging: further objects that never change, of this run alone.
        """
        try:
            tokens = _Walk(self, roots, self._shared_ids | {id(each) for each in unchanging}).tokens
        except UnknownKindError:
            return None
        # Version 2 of the format writes equal values in one way, whether or not they are one object.
        return hashlib.blake2b(marshal.dumps(tokens, 2), digest_size=16).digest()

    def shape_of(self, kind: type) -> _Shape | None:
        """How to walk over an object of one of our own classes, None for all others."""
        if kind.__module__.partition(".")[0] not in _OWN_PACKAGES or issubclass(kind, type | enum.Enum):
            return None
        if kind.__name__ in self._outside:
            raise UnknownKindError(kind)
        return _Shape(kind, self._omitted.get(kind.__name__, frozenset()))


class _Walk:
    """One walk. Every mark is a tuple, and no value is one, so that nothing can be taken for something else.

    :ivar tokens: what was met. :ivar numbers: by identity, the number of each object.
    """

    def __init__(self, keys: StateKeys, roots: tuple[object, ...], shared: frozenset[int]) -> None:
        self.tokens: list[Any] = []
        self.numbers: dict[int, int] = {}
        #: What has a number must stay alive until the end, or another object could get its identity.
        self._alive: list[object] = []
        self._todo: list[object] = [*roots]
        #: Sets of objects, whose order says nothing: what is in them is numbered by its other users first.
        self._sets: list[tuple[Any, bool]] = []
        self._keys = keys
        self._walk(keys._shapes, shared, keys._contents)
        for members, is_weak in self._sets:
            self.tokens.append(self._describe_set(members, is_weak))

    def _walk(self, shapes: dict[type, _Shape | None], shared: frozenset[int], contents: dict[object, int]) -> None:
        add, numbers, keep = self.tokens.append, self.numbers, self._alive.append
        todo = self._todo
        pop, extend, push = todo.pop, todo.extend, todo.append
        while todo:
            item = pop()
            kind = type(item)
            if kind in _ATOMS:
                add(item)
                continue
            if kind is bytes:
                add(_ZERO_PAGE_MARK if item is ZERO_PAGE else ("bytes", contents.setdefault(item, len(contents))))
                continue
            identity = id(item)
            number = numbers.get(identity)
            if number is not None:
                add((number,))
                continue
            if identity in shared:
                add(_SHARED_MARK)
                continue
            numbers[identity] = len(numbers)
            keep(item)
            if kind in _SEQUENCES:
                add((_SEQUENCES[kind], len(item)))  # type: ignore[index,arg-type]
                extend(item)  # type: ignore[arg-type]
                continue
            if kind in _MAPPINGS:
                add(("mapping", len(item)))  # type: ignore[arg-type]
                extend(item)  # type: ignore[arg-type]
                extend(item.values())  # type: ignore[attr-defined]
                continue
            if kind in shapes:
                shape = shapes[kind]
            else:
                shape = shapes[kind] = self._keys.shape_of(kind)
            if shape is None:
                self._describe(item, kind)
                continue
            add(shape.mark)
            for name in shape.slots:
                push(getattr(item, name, _SHARED_MARK))
            if shape.has_dict:
                attributes = item.__dict__
                if shape.omitted:
                    attributes = {name: value for name, value in attributes.items() if name not in shape.omitted}
                add(tuple(attributes))
                extend(attributes.values())
            if shape.is_tuple:
                extend(item)  # type: ignore[arg-type]
            if shape.has_arguments:
                push(item.args)  # type: ignore[attr-defined]

    def _describe(self, item: Any, kind: type) -> None:
        """Write down what is rarer."""
        add, push = self.tokens.append, self._todo.append
        if isinstance(item, _BY_IDENTITY):
            add(("same", id(item)))
        elif isinstance(item, enum.Enum):
            add((kind.__qualname__, item.name))
        elif kind is types.FunctionType:
            closure, defaults = item.__closure__, item.__defaults__
            add(("function", id(item.__code__), closure is not None, defaults is not None))
            if closure is not None:
                push(closure)
            if defaults is not None:
                push(defaults)
        elif kind is types.CellType:
            add(("cell",))
            self._todo += gc.get_referents(item) or [_SHARED_MARK]
        elif kind is types.MethodType:
            function = item.__func__
            if type(function) is types.FunctionType and function.__closure__ is None and function.__defaults__ is None:
                add(("method", id(function.__code__)))
            else:
                add(("method",))
                push(function)
            push(item.__self__)
        elif kind is types.BuiltinMethodType:
            add(("builtin", item.__name__))
            push(item.__self__)
        elif kind is functools.partial:
            add(("partial",))
            push(item.func)
            push(item.args)
            push(item.keywords)
        elif kind is types.CoroutineType:
            self._describe_frame(item, item.cr_code, item.cr_frame)
        elif kind is types.GeneratorType:
            self._describe_frame(item, item.gi_code, item.gi_frame)
        elif kind is types.AsyncGeneratorType:
            self._describe_frame(item, item.ag_code, item.ag_frame)
        elif kind.__name__ in _OPAQUE_WRAPPERS:
            add((kind.__name__,))
            push(gc.get_referents(item))
        elif kind is set or kind is frozenset or kind is weakref.WeakSet:
            add(("set", len(self._sets)))
            self._sets.append((item, kind is weakref.WeakSet))
        elif kind in _ITERATORS:
            add((kind.__name__,))
            push(item.__reduce__()[1:])
        elif kind is range or isinstance(item, pathlib.PurePath):
            add((kind.__name__, repr(item)))
        else:
            raise UnknownKindError(kind)

    def _describe_frame(self, item: object, code: types.CodeType, frame: types.FrameType | None) -> None:
        if frame is None:
            self.tokens.append(("over", id(code)))
            return
        names = frame.f_locals
        referents = [
            each
            for each in gc.get_referents(item)
            # the frame's own function says no more than its code, but for what it closes over, which are cells
            if each is not frame
            and each is not names
            and each is not code
            and not (type(each) is types.FunctionType and each.__code__ is code)
        ]
        self.tokens.append(("waits", id(code), frame.f_lasti, *names, len(referents)))
        self._todo += referents

    def _describe_set(self, members: Any, is_weak: bool) -> tuple[Any, ...]:
        described = []
        for member in members:
            if type(member) in _ATOMS or isinstance(member, enum.Enum):
                described.append(repr(member))
            elif id(member) in self.numbers:
                described.append(f"#{self.numbers[id(member)]}")
            elif not is_weak:  # whatever only a weak set refers to is nobody's, and does nothing any more
                raise UnknownKindError(type(member))
        return (*sorted(described),)
