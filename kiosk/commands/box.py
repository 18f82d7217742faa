"""`pism demo`, `emulate`, `kiosk` and `vault`: the box, emulated or real."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from kiosk.commands.kinds import EXISTING_CONFIGURATION
from kiosk.commands.options import confirm, daemon_config_option, example, say, show, state_option

if TYPE_CHECKING:
    from kiosk.daemon.first_light import FirstLight

_MAX_SCENARIO_BYTES = 256 * 1024


@click.command("demo", epilog=example("pism demo --dir demo --fresh"))
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
    """Play a whole ceremony on the emulated box.

    At the end it opens what it exported, with the receivers' keys.
    """
    from kiosk.emulator.demo import run_demo

    run_demo(folder.absolute(), show, fresh=fresh)


@click.command("emulate", epilog=example("pism emulate --config config.yaml"))
@click.option(
    "--state",
    default="factory",
    show_default=True,
    metavar="factory|provisioned|locked-out|DIR",
    help="How the box stands at first, thrown away at the end; or a folder, which is kept.",
)
@click.option(
    "--config",
    type=EXISTING_CONFIGURATION,
    help="A config.yaml of your own, with its keys beside it.",
)
@click.option(
    "--sticks",
    type=click.Path(path_type=Path, file_okay=False),
    help="The folder of stick images; any FAT32 image can be put in.",
)
@click.option(
    "--fails", type=click.IntRange(min=0, max=1000), help="Wrong passphrases that were typed before."
)
@click.option("--clock", metavar="TIME", help="What its clock shows, such as 2027-01-31T12:00:00Z.")
@click.option(
    "--stick",
    default="",
    metavar="LABEL[:FAULT]",
    help="A stick that is in: full, read-only, lying, altering, dying or yank:BYTES.",
)
def emulate_command(
    *,
    state: str,
    config: Path | None,
    sticks: Path | None,
    fails: int | None,
    clock: str | None,
    stick: str,
) -> None:
    """Show the whole box live in this terminal.

    It has the panel, the keypad, the stick slot, a clock and faults of all of them.
    """
    from kiosk.emulator.folder import prepare
    from kiosk.emulator.scenario_language import parse_instant

    try:
        from kiosk.emulator.app import run_emulator
    except ModuleNotFoundError as error:
        raise click.UsageError(f"{error.name} is missing: install PiSM with its extra, emulator") from error
    try:
        instant = parse_instant(clock) if clock else None
    except ValueError as error:
        raise click.UsageError(str(error)) from error
    with prepare(
        state,
        config=config.absolute() if config else None,
        sticks=sticks.absolute() if sticks else None,
        fails=fails,
        instant=instant,
        stick=stick,
    ) as start:
        if not sys.stdin.isatty():
            raise click.UsageError("the emulator needs a terminal")
        status = run_emulator(start)
        if start.kept:
            say(f"The box stays in {state}.")
    sys.exit(status)


@click.command("accept", epilog=example("pism accept"))
@click.argument("scenario", type=click.Path(path_type=Path, exists=True, dir_okay=False), required=False)
def accept_command(scenario: Path | None) -> None:
    """Lead you through SCENARIO on a real box.

    Line by line; by default from the factory to the first export. This PC says what to do and asks what you
    saw. It exits with 0 only if all of it came true.
    """
    from core.errors import FileError
    from core.files import read_bounded
    from kiosk.emulator.folder import shipped_text
    from kiosk.emulator.scenario import run_acceptance
    from kiosk.emulator.scenario_language import ScenarioError, parse_scenario

    try:
        if scenario is None:
            text = shipped_text("scenarios", "first-export.txt")
        else:
            text = read_bounded(scenario, _MAX_SCENARIO_BYTES).decode()
        seen = run_acceptance(parse_scenario(text), say, confirm)
    except (ScenarioError, UnicodeDecodeError) as error:
        raise FileError(f"{scenario} is no scenario for a real box: {error}") from error
    show(f"accepted: {seen} things were seen as they should be")


@click.command("kiosk")
@daemon_config_option
@click.option(
    "--spool",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    default=Path("/var/cache/pism"),
    show_default=True,
    help="The folder for encrypted archives that wait for their stick.",
)
@click.option(
    "--own",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    default=Path("/var/lib/pism-kiosk"),
    show_default=True,
    help="The folder where the daemon keeps which stick asks for what.",
)
@click.pass_obj
def kiosk_command(first_light: "FirstLight | None", config: Path, spool: Path, own: Path) -> None:
    """Run the daemon on the real box; systemd starts it."""
    from kiosk.daemon.appliance import run_appliance

    run_appliance(config.absolute(), spool.absolute(), own.absolute(), first_light)


@click.command("vault")
@state_option
@daemon_config_option
def vault_command(state: Path, config: Path) -> None:
    """Serve one connection: the process that holds the keys.

    systemd starts it, with the connection as standard input.
    """
    import socket

    from core.vault.process import run_vault

    try:
        peer = socket.socket(fileno=0)
    except OSError:
        raise click.UsageError(
            "standard input is no socket; systemd starts this (pism-vault.socket)"
        ) from None
    run_vault(peer, state, config)
