"""``mirrorcheck completion``: print a completion for a shell."""

from __future__ import annotations

import argparse
import shlex
from collections.abc import Mapping, Sequence

from harness.commands import Subparsers, options
from harness.errors import EXIT_PASSED, MirrorcheckError

SHELLS = ("bash", "zsh", "fish")

#: Commands whose free arguments are cases, and those whose are stored runs.
_TAKE_CASES = ("run", "list", "show", "update", "gate", "sweep")
_TAKE_RUNS = ("analyze", "report", "compare")


def add_parser(subparsers: Subparsers) -> argparse.ArgumentParser:
    """Add the command's options."""
    parser: argparse.ArgumentParser = subparsers.add_parser(
        "completion", help="print a completion for a shell", description=__doc__, allow_abbrev=False
    )
    # "words" is what the printed script calls when a key is pressed: the names that there are now.
    parser.add_argument("shell", choices=[*SHELLS, "words"], metavar="SHELL", help=f"one of {', '.join(SHELLS)}")
    parser.add_argument("what", choices=["cases", "groups", "runs"], nargs="?", help=argparse.SUPPRESS)
    return parser


def run(arguments: argparse.Namespace) -> int:
    """Print it."""
    if arguments.shell == "words":
        options.write_output("".join(f"{word}\n" for word in _words(arguments.what)))
        return EXIT_PASSED
    from harness.cli import make_parser

    parser = make_parser()
    commands = next(action for action in parser._actions if action.dest == "command").choices
    assert isinstance(commands, Mapping)
    table = {
        name: sorted(option for action in command._actions for option in action.option_strings)
        for name, command in commands.items()
    }
    writer = {"bash": _bash, "zsh": _zsh, "fish": _fish}[arguments.shell]
    options.write_output(writer(table))
    return EXIT_PASSED


def _words(what: str | None) -> list[str]:
    """Return the names that may stand where the cursor is; none where they cannot be found out."""
    from harness import stored_runs
    from harness.suite import Suite

    try:
        if what == "runs":
            return ["latest", *stored_runs.run_ids(stored_runs.results_home())]
        cases = Suite.find().cases()
    except MirrorcheckError:  # somebody is typing: this is not the moment to complain
        return []
    return sorted({group for case in cases for group in case.groups} if what == "groups" else {c.id for c in cases})


def _bash(table: Mapping[str, Sequence[str]]) -> str:
    branches = "".join(f"    {name}) options={shlex.quote(' '.join(found))} ;;\n" for name, found in table.items())
    return f"""\
# mirrorcheck completion for bash: source this, or put it into ~/.local/share/bash-completion/completions/mirrorcheck
_mirrorcheck() {{
  local current=${{COMP_WORDS[COMP_CWORD]}} previous=${{COMP_WORDS[COMP_CWORD-1]}} command=${{COMP_WORDS[1]}}
  local options= words=
  COMPREPLY=()
  if [ "$COMP_CWORD" -eq 1 ]; then
    COMPREPLY=($(compgen -W {shlex.quote(" ".join(table))} -- "$current"))
    return
  fi
  case $command in
{branches}  esac
  case $previous in
    -g|--group|-x|--exclude-group) words=$(mirrorcheck completion words groups 2>/dev/null) ;;
    --against|--run) words=$(mirrorcheck completion words runs 2>/dev/null) ;;
    --cases) words=$(mirrorcheck completion words cases 2>/dev/null) ;;
    *)
      case $command in
        {"|".join(_TAKE_CASES)}) words=$(mirrorcheck completion words cases 2>/dev/null) ;;
        {"|".join(_TAKE_RUNS)}) words=$(mirrorcheck completion words runs 2>/dev/null) ;;
        completion) words={shlex.quote(" ".join(SHELLS))} ;;
      esac
      words="$options $words" ;;
  esac
  COMPREPLY=($(compgen -W "$words" -- "$current"))
}}
complete -o default -F _mirrorcheck mirrorcheck
"""


def _zsh(table: Mapping[str, Sequence[str]]) -> str:
    return "#compdef mirrorcheck\nautoload -U +X bashcompinit && bashcompinit\n" + _bash(table)


def _fish(table: Mapping[str, Sequence[str]]) -> str:
    lines = ["# mirrorcheck completion for fish: put this into ~/.config/fish/completions/mirrorcheck.fish"]
    lines.append(f"complete -c mirrorcheck -n __fish_use_subcommand -f -a {shlex.quote(' '.join(table))}")
    for name, found in table.items():
        condition = shlex.quote(f"__fish_seen_subcommand_from {name}")
        for option in found:
            kind = f"-l {option[2:]}" if option.startswith("--") else f"-s {option[1:]}"
            lines.append(f"complete -c mirrorcheck -n {condition} {kind}")
    for commands, what in ((_TAKE_CASES, "cases"), (_TAKE_RUNS, "runs")):
        condition = shlex.quote(f"__fish_seen_subcommand_from {' '.join(commands)}")
        lines.append(f"complete -c mirrorcheck -n {condition} -a '(mirrorcheck completion words {what} 2>/dev/null)'")
    return "\n".join(lines) + "\n"
