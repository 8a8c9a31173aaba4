"""``python -m benchmarks [NAME…]``: all benchmarks, or the named ones. Figures are printed, never asserted."""

from __future__ import annotations

import importlib
import pkgutil
import sys
from pathlib import Path


def main(names: list[str]) -> int:
    """Run benchmarks by name.

    :return: 254 when there is none of a name.
    """
    folder = Path(__file__).parent
    known = sorted(module.name for module in pkgutil.iter_modules([str(folder)]) if module.name != "__main__")
    for name in names or known:
        if name not in known:
            print(f"benchmarks: there is no benchmark '{name}': there are {', '.join(known)}", file=sys.stderr)
            return 254
        print(f"== {name}")
        importlib.import_module(f"benchmarks.{name}").main()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
