"""`pism`: the command line (design 8), thin: every command says what it does and calls who does it.

A command's modules are imported when the command runs, so that `pism --help`, the first screen of the kiosk
and the receiver's `pism open` each load only what they need.
"""

import importlib
from typing import Final

import click

from kiosk.commands.ending import RefusingGroup

_COMMANDS: Final = {
    "demo": "box",
    "emulate": "box",
    "accept": "box",
    "kiosk": "box",
    "vault": "box",
    "init": "authority",
    "top-up": "authority",
    "requests": "requests",
    "status": "records",
    "journal": "records",
    "policy": "policy",
    "plan": "policy",
    "revoke": "authority",
    "passphrase": "authority",
    "export": "archives",
    "backup": "archives",
    "open": "receiver",
    "verify": "receiver",
    "signer": "server",
    "server": "server",
    "restore": "recovery",
    "drill": "recovery",
    "stick": "stick",
}


class LazyGroup(RefusingGroup):
    """A group whose commands are loaded by name."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002  click's signature
        """Return the commands in the order of the design."""
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """Load the module of a command and return it; None when there is no such command."""
        if cmd_name not in _COMMANDS:
            return None
        module = importlib.import_module(f"kiosk.commands.{_COMMANDS[cmd_name]}")
        command = getattr(module, f"{cmd_name.replace('-', '_')}_command")
        assert isinstance(command, click.Command)  # noqa: S101  our own table, held by a test
        return command


@click.group("pism", cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="pism", prog_name="pism")
def main() -> None:
    """PiSM: an offline root certificate authority in a boxed Raspberry Pi."""
