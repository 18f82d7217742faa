"""`pism demo`, `emulate`, `kiosk` and `vault`: the box, emulated or real."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from kiosk.options import config_option, state_option

if TYPE_CHECKING:
    from kiosk.first_light import FirstLight


@click.command("demo")
@click.option(
    "--dir",
    "folder",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("demo"),
    show_default=True,
    help="The folder that the demo plays in.",
)
@click.option("--fresh", is_flag=True, help="Remove what an earlier demo left in the folder.")
def demo_command(folder: Path, *, fresh: bool) -> None:
    """Play a whole ceremony on the emulated box and open what it exported."""
    from kiosk.demo import run_demo

    run_demo(folder.absolute(), fresh=fresh)


@click.command("kiosk")
@config_option
@click.option(
    "--spool",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    default=Path("/var/cache/pism"),
    show_default=True,
    help="The folder for encrypted archives that wait for their stick.",
)
@click.pass_obj
def kiosk_command(first_light: "FirstLight | None", config: Path, spool: Path) -> None:
    """Run the daemon on the real box; systemd starts it."""
    from kiosk.appliance import run_appliance

    run_appliance(config.absolute(), spool.absolute(), first_light)


@click.command("vault")
@state_option
@config_option
def vault_command(state: Path, config: Path) -> None:
    """Serve one connection on standard input: the vault process that systemd starts."""
    import socket

    from core.vault import run_vault

    run_vault(socket.socket(fileno=0), state, config)
