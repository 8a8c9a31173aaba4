"""A replayed schedule for people: a timeline in lines, and a file in the Chrome trace-event format.

One step is one microsecond in the trace, since what matters is the order. Steps and events are instants, on the tracks
of who goes on; requests, commands and operations are asynchronous pairs, since they overlap as they like; what is dirty
is a counter. https://ui.perfetto.dev opens it.
"""

from __future__ import annotations

import json
from typing import Any

from harness.explore.decision import Decision
from harness.explore.scenario import GRANULE_BYTES
from harness.explore.world import World

STEP_US = 1


class Timeline:
    """Collects what there is to see after each step; `observe` is handed to the replay.

    :ivar lines: one for each step: its number, what happened, and the granules of each mirror's bitmap, ``#`` for a
        dirty one, ``o`` for one that an operation has claimed, ``.`` for neither.
    """

    def __init__(self) -> None:
        self.lines: list[str] = []
        self._open: dict[object, tuple[int, str, str]] = {}
        self._pairs_count = 0
        self._events: list[dict[str, Any]] = []
        self._events_seen = 0

    def observe(self, world: World, decision: Decision) -> None:
        """Take note of a step."""
        step = len(world.steps)
        bitmaps = " ".join(_bitmap(job) for job in world.stepping.jobs().values()) if world.stepping is not None else ""
        self.lines.append(f"{step:4} {bitmaps:12} {decision.label}")
        for event in world.session.events[self._events_seen :]:
            details = " ".join(str(event.data[key]) for key in ("status", "action", "error") if key in event.data)
            self.lines.append(f"     {'':12}   event {event.name} {details}".rstrip())
            self._add("i", event.name, "events", step, s="g", args=event.data)
        self._events_seen = len(world.session.events)
        self._add("i", decision.label, decision.actor, step, s="t")
        under_way: dict[object, tuple[str, str]] = {
            name: (name, "requests and commands") for name in world.unanswered()
        }
        if world.stepping is not None:
            jobs = world.stepping.jobs().values()
            for job in jobs:
                for operation in getattr(job, "operations", ()):
                    under_way[operation] = (f"{job.id} {operation}", "operations")
            dirty = {job.id: job.bitmap.count_bytes for job in jobs if hasattr(job, "bitmap")}
            if dirty:
                self._add("C", "dirty bytes", "dirty bytes", step, args=dirty)
        self._follow(under_way, step)

    def _follow(self, under_way: dict[object, tuple[str, str]], step: int) -> None:
        for key in [key for key in self._open if key not in under_way]:
            number, name, track = self._open.pop(key)
            self._add("e", name, track, step, cat=track, id=number)
        for key, (name, track) in under_way.items():
            if key not in self._open:
                self._pairs_count += 1
                self._open[key] = (self._pairs_count, name, track)
                self._add("b", name, track, step, cat=track, id=self._pairs_count)

    def _add(self, phase: str, name: str, track: str, step: int, **more: Any) -> None:
        self._events.append({"ph": phase, "name": name, "pid": 1, "tid": track, "ts": step * STEP_US} | more)

    def chrome_trace(self) -> str:
        """The trace as JSON."""
        end = max((event["ts"] for event in self._events), default=0) // STEP_US + 1
        self._follow({}, end)
        numbers: dict[str, int] = {}
        events = [event | {"tid": numbers.setdefault(event["tid"], len(numbers) + 1)} for event in self._events]
        names: list[dict[str, Any]] = [
            {"ph": "M", "name": "thread_name", "pid": 1, "tid": number, "args": {"name": track}}
            for track, number in numbers.items()
        ]
        names.append({"ph": "M", "name": "process_name", "pid": 1, "tid": 0, "args": {"name": "mirrorcheck"}})
        return json.dumps({"traceEvents": names + events, "displayTimeUnit": "ns"}) + "\n"


def _bitmap(job: Any) -> str:
    claims = [operation.claim for operation in job.operations if operation.claim is not None]
    marks = ""
    for granule in range(-(-job.source.size_bytes // GRANULE_BYTES)):
        if any(first <= granule < end for first, end in claims):
            marks += "o"
        else:
            marks += "#" if job.bitmap.get(granule * GRANULE_BYTES) else "."
    return f"[{marks}]"
