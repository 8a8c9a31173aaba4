"""958-keeps-artefact: a file below artefacts/ is kept, and nobody's fault.

Groups: pass
Source: docs/supervision.md
"""

from pathlib import Path

from harness.bench import Bench


def run(bench: Bench) -> None:
    bench.say("begun")
    Path("artefacts/trace").write_text("kept")
