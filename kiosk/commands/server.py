"""`pism signer` and `pism server`: the receiver's side after `pism open`. It needs no box and no hardware."""

import os
import select
import signal
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from hw.system.clock import SystemClock
from kiosk.commands.kinds import ARCHIVE, EXISTING_CONFIGURATION
from kiosk.commands.options import (
    example,
    identity_passphrase_option,
    json_option,
    read_identity_passphrase,
    show,
    show_json,
)
from kiosk.commands.receiver import (
    accept_box_option,
    confirm_box,
    former_passphrase_option,
    identity_option,
    read_identities,
)

if TYPE_CHECKING:
    from server.material import Material

_TIMES = ("%Y-%m-%d", "%Y-%m-%dT%H:%M:%SZ")


_state = click.option(
    "--state",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("/var/lib/pism-server"),
    show_default=True,
    help="The agent's folder.",
)
_config = click.option(
    "--config",
    type=EXISTING_CONFIGURATION,
    default=Path("/etc/pism-server/server.yaml"),
    show_default=True,
    help="What stands where on this server.",
)


@click.command("signer", epilog=example("pism signer services/etcd --identity key --out etcd --plain-key"))
@click.argument("target", metavar="CLASS/TARGET")
@identity_option
@identity_passphrase_option
@former_passphrase_option
@click.option(
    "--from",
    "opened",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    default=Path("pism"),
    show_default=True,
    help="The folder that `pism open --out` filled.",
)
@click.option("--lane", type=click.IntRange(min=1), help="Which lane; needed where there are several.")
@click.option("--at", type=click.DateTime(_TIMES), help="The signer of that time, in UTC; else of now.")
@click.option(
    "--out", type=click.Path(path_type=Path), required=True, help="The folder to make; it must not exist."
)
@click.option(
    "--key-passphrase-file",
    type=click.Path(path_type=Path, allow_dash=True),
    help="Encrypt key.pem under the passphrase in this file.",
)
@click.option("--plain-key", is_flag=True, help="Leave key.pem unencrypted.")
@json_option
def signer_command(  # noqa: PLR0917  in the order of the command line
    target: str,
    identity: Path,
    identity_passphrase_file: Path | None,
    passphrase_file: Path | None,
    opened: Path,
    lane: int | None,
    at: datetime | None,
    out: Path,
    key_passphrase_file: Path | None,
    *,
    plain_key: bool,
    as_json: bool,
) -> None:
    """Write the signer that issues today for CLASS/TARGET.

    It is taken out of what `pism open` opened.

    --out gets certificate.pem, chain.pem (the signer and its root), key.pem (PKCS#8) and trust.pem (the
    roots to trust now, and those to come). There is no key.pem where the server made the key itself.

    A signer that is future, retired, expired or revoked at that time is refused.
    """
    from server.material import read_material, write_material
    from server.opened import read_opened
    from server.signers import choose, find_lane

    if plain_key == (key_passphrase_file is not None):
        raise click.UsageError("Say how key.pem is kept: --key-passphrase-file FILE, or --plain-key.")
    now = at.replace(tzinfo=UTC) if at else SystemClock().now()
    folder = read_opened(opened)
    signer = choose(folder.signers, target, find_lane(folder.signers, target, lane=lane), now)
    secret = None if plain_key else _read_key_passphrase(key_passphrase_file)
    identities = read_identities(identity, identity_passphrase_file or passphrase_file)
    material = read_material(folder, signer, identities, now)
    _show(material, out, write_material(out, material, secret), as_json=as_json)


def _read_key_passphrase(file: Path | None) -> bytes:
    """Return what encrypts a key; an empty one would be none.

    Raises:
        PassphraseError: It is empty (E-PASSPHRASE).
        FileError: It cannot be read (E-FILE).
    """
    from core.errors import PassphraseError

    passphrase = read_identity_passphrase(file)
    if not passphrase:
        raise PassphraseError("the passphrase file for the key is empty")
    return passphrase


def _show(material: "Material", out: Path, files: tuple[str, ...], *, as_json: bool) -> None:
    signer = material.signer
    if as_json:
        show_json(
            {
                "id": signer.id,
                "target": signer.target,
                "lane": signer.lane,
                "period": signer.period,
                "algorithm": signer.algorithm,
                "issue_from": signer.issue_from,
                "issue_until": signer.issue_until,
                "not_after": signer.not_after,
                "leaf_lifetime_s": int(signer.leaf_lifetime.total_seconds()),
                "files": [str(out / name) for name in files],
            }
        )
        return
    show(f"{signer.target} lane {signer.lane}, {signer.period} ({signer.algorithm}): {signer.id}")
    show(f"issues until {signer.issue_until:%Y-%m-%d}, leaves for at most {signer.leaf_lifetime.days} days")
    if material.key is None:
        show("the server made its key: there is none in the archive")
    for name in files:
        show(str(out / name))


@click.group("server")
def server_command() -> None:
    """Keep the right signer in its place, by the calendar."""


@server_command.command("take", epilog=example("pism server take main-kudo-000001-*.tar.age"))
@click.argument(
    "archives",
    metavar="ARCHIVE...",
    nargs=-1,
    required=True,
    type=ARCHIVE,
)
@_state
@_config
@accept_box_option
def take_command(
    archives: tuple[Path, ...], state: Path, config: Path, *, accept_box: tuple[str, ...] | None
) -> None:
    """Check each ARCHIVE, and file it for `pism server run`.

    It is checked as `pism open` does. What is refused changes nothing: the places hold what they held.
    """
    from server.agent import take_archive
    from server.settings import read_settings

    settings = read_settings(config)
    identities, trust = settings.read_identities(), settings.read_trust()
    ask = confirm_box if sys.stdin.isatty() else None
    for archive in archives:
        now = SystemClock().now()
        received = take_archive(state, archive, identities, trust, now, confirm=ask, accept_box=accept_box)
        manifest = received.manifest
        how = "is taken already" if received.was_open else "is taken"
        show(f"{manifest.authority.name}: {manifest.kind} {manifest.name} {manifest.sequence:06d} {how}")


@server_command.command("run", epilog=example("pism server run --once"))
@_state
@_config
@click.option("--once", is_flag=True, help="See to what is due now, then end; fails if a place refuses.")
def run_command(state: Path, config: Path, *, once: bool) -> None:
    """Keep the signer of the day in every place, until stopped.

    The places are those of --config. It switches at the first instant of an issuing period, or as soon as the
    machine is on again. Never does a future, retired, expired or revoked signer stand. What a place refuses
    is tried again.
    """
    from core.errors import PlaceError
    from server.agent import run
    from server.settings import read_settings
    from server.standing import load_memory

    run(
        state,
        lambda: read_settings(config),
        now=SystemClock().now,
        wait=(lambda _: True) if once else _wait_for_signal(),
        say=show,
    )
    memory = load_memory(state)
    refused = [standing.place for standing in memory.places if standing.refusal is not None]
    if once and (refused or memory.refusal):
        raise PlaceError(f"not as it should be: {', '.join(refused) or 'nothing could be done'}")


@server_command.command("status", epilog=example("pism server status --metrics pism.prom"))
@_state
@_config
@click.option(
    "--metrics",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write this file, too: gauges for the textfile collector of Prometheus' node_exporter.",
)
@json_option
@click.pass_context
def status_command(
    context: click.Context, state: Path, config: Path, metrics: Path | None, *, as_json: bool
) -> None:
    """Say how this server stands, and what was refused since when.

    That is: signers, cover, lists and archives. The exit status is 0 when all is well, 1 for a warning, 2
    when something hurts now.
    """
    from core.files import replace
    from server.agent import OPENED
    from server.opened import read_opened
    from server.settings import read_settings
    from server.standing import load_memory, load_refused
    from server.status import LEVELS, describe, encode_json, encode_metrics, make_status

    status = make_status(
        read_settings(config),
        read_opened(state / OPENED),
        load_memory(state),
        load_refused(state),
        SystemClock().now(),
    )
    if metrics is not None:
        replace(metrics, encode_metrics(status), mode=0o644)
    if as_json:
        show(encode_json(status))
    else:
        for line in describe(status):
            show(line)
    context.exit(LEVELS.index(status.level))


def _wait_for_signal() -> Callable[[float], bool]:
    """Return what waits so many seconds, or until the process is asked to end; that cuts no work short."""
    asked, asking = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
    signal.set_wakeup_fd(asking)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: None)
    return lambda seconds: bool(select.select([asked], [], [], seconds)[0])
