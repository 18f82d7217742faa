"""`pism`: the command line (design 8), thin: every command says what it does and calls who does it.

A command's modules are imported when the command runs, so that `pism --help`, the first screen of the kiosk
and the receiver's `pism open` each load only what they need.
"""

import importlib
from typing import Final

import click

from kiosk.commands.ending import RefusingGroup

_HEADINGS: Final = {
    "Try it": {"demo": "box", "emulate": "box"},
    "The authority": {
        "init": "authority",
        "words": "words",
        "recipients": "recipients",
        "plan": "policy",
        "policy": "policy",
        "top-up": "authority",
        "requests": "requests",
        "export": "archives",
        "backup": "archives",
        "status": "records",
        "journal": "records",
        "revoke": "authority",
        "passphrase": "authority",
    },
    "A server, and whoever holds a backup": {
        "open": "receiver",
        "verify": "receiver",
        "signer": "server",
        "server": "server",
        "drill": "recovery",
        "restore": "recovery",
    },
    "Sticks and the box": {"stick": "stick", "accept": "box", "kiosk": "box", "vault": "box"},
    "This program": {"help": "shell", "version": "shell", "completion": "shell"},
}
_COMMANDS: Final = {name: module for commands in _HEADINGS.values() for name, module in commands.items()}

_EXAMPLES: Final = """\b
Examples:
  pism init --state s --config config.yaml
  pism export main-kudo --state s --to out
  pism open out/main-kudo-*.age --identity key
  pism help export
"""


class LazyGroup(RefusingGroup):
    """A group whose commands are loaded by name, and listed under headings."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002  click's signature
        """Return the commands in the order of the help."""
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """Load the module of a command and return it; None when there is no such command."""
        if cmd_name not in _COMMANDS:
            return None
        module = importlib.import_module(f"kiosk.commands.{_COMMANDS[cmd_name]}")
        command = getattr(module, f"{cmd_name.replace('-', '_')}_command")
        assert isinstance(command, click.Command)  # noqa: S101  our own table, held by a test
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Return the command that is meant; of one that there is not, say which are alike."""
        try:
            return super().resolve_command(ctx, args)
        except click.exceptions.NoSuchCommand as error:
            name = error.command_name
            raise click.exceptions.NoSuchCommand(name, possibilities=_COMMANDS, ctx=ctx) from None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the commands, each group under its heading."""
        for heading, names in _HEADINGS.items():
            with formatter.section(heading):
                found = ((name, self.get_command(ctx, name)) for name in names)
                formatter.write_dl(
                    [(name, command.get_short_help_str(80)) for name, command in found if command]
                )


@click.group(
    "pism", cls=LazyGroup, epilog=_EXAMPLES, context_settings={"help_option_names": ["-h", "--help"]}
)
@click.version_option(None, "-V", "--version", package_name="pism", prog_name="pism")
def main() -> None:
    """PiSM: an offline root certificate authority in a boxed Raspberry Pi."""
