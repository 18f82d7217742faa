"""What the package tells of the command line, made from the command line itself: pism(1), shell completion.

Rules: every command, option and example is in the page, in the words of `--help`; nothing depends on the
machine that builds.
"""

from collections.abc import Iterator, Mapping
from typing import Final

import click

from kiosk.commands.cli import main
from kiosk.commands.shell import completion

COMPLETIONS: Final[Mapping[str, str]] = {
    "bash": "usr/share/bash-completion/completions/pism",
    "zsh": "usr/share/zsh/vendor-completions/_pism",
    "fish": "usr/share/fish/vendor_completions.d/pism.fish",
}
"""Where each shell looks."""

_VERBATIM: Final = "\b\n"  # click's mark before lines that are not filled


def make_completion(shell: str) -> str:
    """Return the completion file of a shell."""
    return f"{completion(main, shell)}\n"


def make_commands() -> str:
    """Return pism(1)'s section COMMANDS, in man's macros."""
    context = click.Context(main, info_name="pism")
    return "".join(_describe(main, context))


def _describe(group: click.Group, above: click.Context) -> Iterator[str]:
    for name in group.list_commands(above):
        command = group.get_command(above, name)
        if command is None or command.hidden:
            continue
        context = click.Context(command, info_name=name, parent=above)
        usage = " ".join(command.collect_usage_pieces(context))
        yield f".SS {_plain(context.command_path)} {_plain(usage)}\n{_fill(command.help or '')}"
        for parameter in command.params:
            if record := parameter.get_help_record(context):
                yield f".TP\n.B {_plain(record[0])}\n{_plain(record[1])}\n"
        if command.epilog:
            yield _fill(command.epilog)
        if isinstance(command, click.Group):
            yield from _describe(command, context)


def _fill(text: str) -> str:
    """Return paragraphs; those that click leaves as they are, line by line."""
    made = []
    for paragraph in text.split("\n\n"):
        lines = paragraph.removeprefix(_VERBATIM).splitlines()
        body = "\n".join(_plain(line.strip()) for line in lines if line.strip())
        made.append(f".PP\n.nf\n{body}\n.fi\n" if paragraph.startswith(_VERBATIM) else f".PP\n{body}\n")
    return "".join(made)


def _plain(text: str) -> str:
    """Return text that man shows as it stands."""
    shown = text.replace("\\", "\\e").replace("-", "\\-").replace("'", "\\(aq").replace("`", "\\(ga")
    return f"\\&{shown}" if shown.startswith(".") else shown
