"""The report for CI servers that read JUnit's XML.

One test suite an implementation, with the properties ``implementation`` and ``version``; one test case a case. A run
that is not the implementation's fault, or did not happen, is an ``error``; wrong behaviour is a ``failure``.
"""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from collections.abc import Sequence

from harness.records import Record, Verdict
from harness.report import check_writable, replace_file, visible
from harness.report.failure import excerpt

_ERRORS = (Verdict.BROKEN, Verdict.UNAVAILABLE, Verdict.UNDECIDED)


class JunitReporter:
    """Writes the XML file at the end of the run, also of an interrupted one."""

    def __init__(self, path: str) -> None:
        """Check that the file can be written.

        :raise UsageError: when it cannot.
        """
        self._path = path
        check_writable(path)

    def start(self, total_count: int) -> None:
        """Write nothing yet."""

    def record(self, record: Record) -> None:
        """Write nothing yet: the counts come first in the file."""

    def finish(self, records: Sequence[Record], *, interrupted: bool) -> None:
        """Write the file in one step."""
        replace_file(self._path, document(records))

    def close(self) -> None:
        """Do nothing: no file is open."""


def document(records: Sequence[Record]) -> bytes:
    """Return the XML document for these records."""
    root = ElementTree.Element("testsuites", {"name": "mirrorcheck", **_counts(records)})
    for implementation in dict.fromkeys(record.implementation for record in records):
        own = [record for record in records if record.implementation == implementation]
        suite = ElementTree.SubElement(root, "testsuite", {"name": visible(implementation), **_counts(own)})
        properties = ElementTree.SubElement(suite, "properties")
        version = next((record.run.version for record in own if record.run.version), "")
        for name, value in (("implementation", implementation), ("version", version)):
            ElementTree.SubElement(properties, "property", name=name, value=visible(value))
        for record in own:
            _add_case(suite, record)
    ElementTree.indent(root)
    data: bytes = ElementTree.tostring(root, encoding="utf-8", xml_declaration=True)
    return data + b"\n"


def _counts(records: Sequence[Record]) -> dict[str, str]:
    verdicts = [record.verdict for record in records]
    return {
        "tests": str(len(records)),
        "failures": str(verdicts.count(Verdict.FAIL)),
        "errors": str(sum(verdict in _ERRORS for verdict in verdicts)),
        "skipped": str(verdicts.count(Verdict.SKIP)),
        "time": f"{sum(record.run.duration_s for record in records):.3f}",
    }


def _add_case(suite: ElementTree.Element, record: Record) -> None:
    case = ElementTree.SubElement(
        suite,
        "testcase",
        classname=f"mirrorcheck.{visible(record.implementation)}",
        name=visible(record.case),
        time=f"{record.run.duration_s:.3f}",
    )
    reason = visible(record.reason)
    if record.verdict is Verdict.SKIP:
        ElementTree.SubElement(case, "skipped", message=reason)
    elif record.verdict is Verdict.KNOWN:
        ElementTree.SubElement(case, "system-out").text = f"known deviation: {reason}"
    elif record.verdict is not Verdict.PASS:
        kind = "error" if record.verdict in _ERRORS else "failure"
        element = ElementTree.SubElement(case, kind, message=reason, type=record.run.status.value)
        element.text = "\n".join(excerpt(record))
