"""Mutates functions of the reference with the operators of cosmic-ray, and says which mutations nothing notices.

    python tests/mutation/run.py [-j N] [MODULE ...]

`modules.toml` says which tests and cases stand for each module; `pardons.toml` which mutations need not be noticed, and
why. Each mutation is tried in a forked process that imports the mutated text in the module's place, so that a thousand
of them take minutes; cosmic-ray's own runner starts a new interpreter for each.
"""

from __future__ import annotations

import argparse
import ast
import difflib
import importlib.abc
import importlib.machinery
import resource
import sys
import tomllib
from collections.abc import Iterator, Sequence
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType
from typing import NamedTuple

from cosmic_ray.mutating import mutate_code
from cosmic_ray.plugins import get_operator, operator_names

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent

LIMIT_S = 120
"""Of processor time, for one mutation; one that makes a loop endless is noticed by that."""

MEMORY_BYTES = 4 << 30
"""Of address space, for one mutation."""

EXCLUDED = (
    # Types are joined with ``|``, which no run evaluates; numbers are constants that goldens show; names are text.
    "core/ReplaceBinaryOperator_BitOr",
    "core/NumberReplacer",
    "core/Variable",
    # Members of enumerations, and objects of the reference, are equal when they are the same.
    "core/ReplaceComparisonOperator_Is_Eq",
    "core/ReplaceComparisonOperator_IsNot_NotEq",
)


class Mutation(NamedTuple):
    """One mutation.

    :ivar line: the first line that it changes, as it is then, without its indentation.
    """

    operator: str
    line: str
    text: str


def mutations(path: Path) -> Iterator[Mutation]:
    """Every mutation of a module that changes what it does."""
    source = path.read_text("utf-8")
    seen = {ast.dump(ast.parse(source))}
    for name in operator_names():
        if name.startswith(EXCLUDED):
            continue
        occurrence = 0
        while (text := mutate_code(source, get_operator(name)(), occurrence)) is not None:
            occurrence += 1
            try:
                meaning = ast.dump(ast.parse(text))
            except SyntaxError:
                continue  # the star before arguments that must be named is no product
            if meaning in seen:
                continue  # another operator has said the same
            seen.add(meaning)
            changed = [
                line[1:].strip()
                for line in difflib.unified_diff(source.splitlines(), text.splitlines(), n=0, lineterm="")
                if line.startswith("+") and not line.startswith("+++")
            ]
            if changed and "/, " in changed[0]:
                continue  # another star: what may be named need not be
            yield Mutation(name.removeprefix("core/"), changed[0] if changed else "", text)


class _Instead(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Imports one text in a module's place."""

    def __init__(self, name: str, path: Path, text: str) -> None:
        self._name, self._path, self._text = name, path, text

    def find_spec(self, name: str, path: object, target: object = None) -> ModuleSpec | None:
        if name != self._name:
            return None
        return importlib.machinery.ModuleSpec(name, self, origin=str(self._path))

    def exec_module(self, module: ModuleType) -> None:
        exec(compile(self._text, str(self._path), "exec"), module.__dict__)


def is_noticed(module: str, mutation: Mutation, tests: Sequence[str], cases: Sequence[str]) -> bool:
    """Whether a test or a case fails with it; only in a process that is for nothing else."""
    resource.setrlimit(resource.RLIMIT_CPU, (LIMIT_S, LIMIT_S))
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    path = ROOT / f"{module.replace('.', '/')}.py"
    sys.meta_path.insert(0, _Instead(module, path, mutation.text))
    try:
        return not _passes(tests, cases)
    except BaseException:
        return True  # it cannot even be imported


def _passes(tests: Sequence[str], cases: Sequence[str]) -> bool:
    import pytest

    from harness import judge
    from harness.implementations import parse
    from harness.mutants.case_runs import reason_to_fail
    from harness.suite import Suite

    suite = Suite.find(ROOT)
    by_number = {str(case.number): case for case in suite.cases()}
    judging = judge.load(suite, [case.id for case in by_number.values()])
    for number in cases:
        if reason_to_fail(by_number[number], parse("reference"), judging) is not None:
            return False
    plain = ["-x", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", "--rootdir", str(ROOT)]
    return not tests or pytest.main([*plain, *(str(ROOT / test) for test in tests)]) == pytest.ExitCode.OK


def main(given: Sequence[str]) -> int:
    """Mutate the chosen modules, or all; return 1 when a mutation that has no pardon is not noticed."""
    sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "unit")]
    from harness.commands.options import job_count

    parser = argparse.ArgumentParser(prog="run.py", description="Mutate functions of the reference.")
    parser.add_argument("modules", metavar="MODULE", nargs="*", help="default: all of modules.toml")
    parser.add_argument("-j", "--jobs", metavar="N", type=job_count, default="auto", help="mutations at a time")
    arguments = parser.parse_args(given)
    modules = tomllib.loads((HERE / "modules.toml").read_text("utf-8"))
    unknown = [module for module in arguments.modules if module not in modules]
    if unknown:
        parser.error(f"modules.toml has no module '{unknown[0]}'")
    survivors = sum(_mutate(module, modules[module], arguments.jobs) for module in arguments.modules or modules)
    print(f"{survivors} are noticed by nothing")
    return 1 if survivors else 0


def _mutate(module: str, plan: dict[str, list[str]], jobs: int) -> int:
    """Try every mutation of a module; print and count those that nothing notices."""
    from harness.forks import in_processes

    pardoned = {
        (pardon["operator"], pardon["line"])
        for pardon in tomllib.loads((HERE / "pardons.toml").read_text("utf-8"))["pardon"]
        if pardon["module"] == module
    }
    every = list(mutations(ROOT / f"{module.replace('.', '/')}.py"))
    tried = {
        str(number): mutation
        for number, mutation in enumerate(every)
        if (mutation.operator, mutation.line) not in pardoned
    }
    survivors = 0

    def is_number_noticed(number: str) -> bool:
        return is_noticed(module, tried[number], plan.get("tests", []), plan.get("cases", []))

    for number, answer in in_processes(list(tried), is_number_noticed, jobs):
        if answer is False:  # a process that has died has noticed, too
            survivors += 1
            print(f"{module}: {tried[number].operator}: {tried[number].line}", flush=True)
    print(f"{module}: {len(every)} mutations, {len(every) - len(tried)} pardoned, {survivors} survive", flush=True)
    return survivors


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
