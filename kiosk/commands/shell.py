"""`pism help`, `version` and `completion`, and what a shell completes of names."""

import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final

import click
from click.shell_completion import CompletionItem, get_completion_class

from kiosk.commands.options import CONFIG, CONFIG_VARIABLE, example, show

SHELLS: Final = ("bash", "zsh", "fish")
_VARIABLE: Final = "_PISM_COMPLETE"


@click.command("help")
@click.argument("command", nargs=-1)
@click.pass_context
def help_command(ctx: click.Context, command: tuple[str, ...]) -> None:
    """Show the help of a COMMAND, or of all."""
    at = ctx.parent or ctx
    for name in command:
        if not isinstance(at.command, click.Group):
            raise click.UsageError(f"{at.command_path} has no command {name}", at)
        _, found, _ = at.command.resolve_command(at, [name])
        assert found is not None  # noqa: S101  resolve_command raises for an unknown name
        at = click.Context(found, info_name=name, parent=at)
    show(at.get_help())


@click.command("version")
def version_command() -> None:
    """Show the version, as --version does."""
    from importlib.metadata import version

    show(f"pism, version {version('pism')}")


@click.command("completion", epilog=example('eval "$(pism completion bash)"'))
@click.argument("shell", type=click.Choice(SHELLS))
@click.pass_context
def completion_command(ctx: click.Context, shell: str) -> None:
    """Print what makes SHELL complete commands and names."""
    show(completion(ctx.find_root().command, shell))


def completion(command: click.Command, shell: str) -> str:
    """Return a shell's completion of the command line.

    Args:
        command: All of it.
        shell: One of SHELLS.
    """
    found = get_completion_class(shell)
    assert found is not None  # noqa: S101  click has all of SHELLS
    maker = found(command, {}, "pism", _VARIABLE)
    return maker.source_template % maker.source_vars()


def complete_names(section: str) -> Callable[[click.Context, click.Parameter, str], list[CompletionItem]]:
    """Return what completes a name of a section of config.yaml: egresses, backups or sticks.

    It is that of PISM_CONFIG, or the box's own; the policy in force is encrypted, and nobody is asked here.
    """

    def complete(_ctx: click.Context, _parameter: click.Parameter, begun: str) -> list[CompletionItem]:
        from core.errors import CaError
        from core.policy.config import load_config
        from core.policy.rules import RESERVED_LABELS

        names: list[str] = []
        with suppress(CaError):
            names += getattr(load_config(Path(os.environ.get(CONFIG_VARIABLE) or CONFIG)), section)
        if section == "sticks":
            names += RESERVED_LABELS
        return [CompletionItem(name) for name in names if name.startswith(begun)]

    return complete
