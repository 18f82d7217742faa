"""`pism restore` and `pism drill`: from a backup to a box, and the proof that it could be done."""

import sys
import time
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from hw.system.clock import SystemClock
from kiosk.commands.access import Access, access_options
from kiosk.commands.kinds import ARCHIVE, IDENTITY
from kiosk.commands.options import (
    confirm,
    example,
    identity_passphrase_option,
    json_option,
    passphrase_option,
    progress_bar,
    read_new_passphrase,
    say,
    show,
    show_json,
    state_option,
    tell_recognition,
)
from kiosk.commands.receiver import identity_option, read_identities, read_roots, say_words, trust_option
from kiosk.text.counts import count

if TYPE_CHECKING:
    from core.receive.seals import Question


@click.command(
    "restore", epilog=example("pism restore main-backup-*.age --identity key --trust roots.pem --state new")
)
@click.argument("archive", type=ARCHIVE)
@identity_option
@identity_passphrase_option
@trust_option
@state_option
@passphrase_option
@json_option
def restore_command(
    *,
    archive: Path,
    identity: Path,
    identity_passphrase_file: Path | None,
    trust: tuple[Path, ...],
    state: Path,
    passphrase_file: Path | None,
    as_json: bool,
) -> None:
    """Restore the backup ARCHIVE into the empty folder --state.

    It is kept under a new passphrase; where a check fails nothing is changed. The root that sealed it must
    be one of --trust; else the words of the box that made it are shown, to be compared with those on a report
    of that box. The restored box is another one to its receivers: they ask for its words, which are printed.
    """
    from core.crypto.process import harden_process
    from core.recovery.restore import restore
    from core.store.keyslots import choose_cost

    harden_process()
    identities = read_identities(identity, identity_passphrase_file)
    roots = read_roots(trust)
    passphrase = read_new_passphrase(passphrase_file)
    with progress_bar() as report:
        restored = restore(
            archive,
            identities,
            roots,
            _confirm if sys.stdin.isatty() else None,
            state=state.absolute(),
            passphrase=passphrase,
            cost=choose_cost(time.perf_counter),
            now=SystemClock().now(),
            report=report,
        )
    tell_recognition(state.absolute(), passphrase)
    if as_json:
        show_json(restored)
        return
    show(
        f"{restored.authority} is restored in {state} from backup {restored.name} {restored.sequence:06d}"
        f" of {restored.created:%Y-%m-%d}"
    )
    parts = [count(restored.roots, "root"), count(restored.signers, "signer"), count(restored.keys, "key")]
    show(f"{', '.join(parts)}, all proven")
    show(f"incarnation {restored.incarnation}, restored from {restored.restored_from}")
    show(f"tell your receivers the words of this box:\n    {' '.join(restored.box_words)}")
    if restored.clock_believed:
        show("next: pism top-up, then a backup and every export")
    else:
        show("the journal cannot believe this clock; next: pism top-up --confirm-date, then a backup")


@click.command(
    "drill",
    epilog=example(
        "pism drill main-backup-*.age --identity key --trust roots.pem",
        'pism drill --words "six of them" --state s',
    ),
)
@click.argument("archive", type=ARCHIVE, required=False)
@click.option("--identity", type=IDENTITY, help="The private key that belongs to the backup's recipient.")
@identity_passphrase_option
@trust_option
@click.option(
    "--to",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="Also write the words into a file in this folder: a stick, for the box to read.",
)
@click.option("--words", help="Record the six words of a drill in --state, instead of drilling an ARCHIVE.")
@click.option("--name", help="With --words: the backup that was drilled; else it is found by the words.")
@access_options
@json_option
def drill_command(
    *,
    archive: Path | None,
    identity: Path | None,
    identity_passphrase_file: Path | None,
    trust: tuple[Path, ...],
    to: Path | None,
    words: str | None,
    name: str | None,
    access: Access,
    as_json: bool,
) -> None:
    """Prove that the backup ARCHIVE can be restored.

    That is done on an offline PC; it prints six words for the box. Nothing of the backup is written. The root
    that sealed it must be one of --trust; else the words of the box that made it are shown, to be compared
    with those on a report of that box.

    With --words the same command records the six words in --state, without an ARCHIVE.
    """
    from core.crypto.process import harden_process

    if words is not None:
        if archive is not None or identity is not None or to is not None:
            raise click.UsageError("--words goes with --state, not with an ARCHIVE, its --identity or --to.")
        _record(access, name, words, as_json=as_json)
    elif archive is None or identity is None:
        raise click.UsageError("A drill needs an ARCHIVE and its --identity, or --words and --state.")
    else:
        harden_process()
        secret = identity_passphrase_file or access.passphrase_file  # its former name: no store is opened
        identities = read_identities(identity, secret, for_panel=True)
        _drill(access.now, archive, identities, trust, to, as_json=as_json)


def _drill(
    now: datetime,
    archive: Path,
    identities: tuple[Any, ...],
    trust: tuple[Path, ...],
    to: Path | None,
    *,
    as_json: bool,
) -> None:
    from core.files import write_new
    from core.recovery.drill import drill

    ask = _confirm if sys.stdin.isatty() else None
    with progress_bar() as report:
        drilled = drill(archive, identities, read_roots(trust), ask, now, report=report)
    if to is not None:
        write_new(to / drilled.file_name, f"{' '.join(drilled.words)}\n".encode(), 0o644)
    if as_json:
        show_json(drilled)
        return
    show(
        f"{drilled.authority}: backup {drilled.name} {drilled.sequence:06d} of {drilled.created:%Y-%m-%d}"
        f" can be restored: {count(drilled.keys, 'key')} proven"
    )
    show("type these words on the box (menu, A), bring them on a stick (--to), or give pism drill --words:")
    show(f"    {' '.join(drilled.words)}")


def _record(access: Access, name: str | None, words: str, *, as_json: bool) -> None:
    with access.unlocked() as authority:
        recorded = authority.record_drill(name, words, access.now)
    if as_json:
        show_json(recorded)
        return
    show(f"backup {recorded.name} {recorded.sequence:06d} is drilled")


def _confirm(question: "Question") -> bool:
    whose = f"{question.authority_name} ({question.authority_id})"
    say(f"The backup is of {whose}.")
    say_words(question)
    return confirm("Does a report of that box show the same words?")
