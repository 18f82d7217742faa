"""`pism open` and `pism verify`: the receiver's side. It needs no box and no hardware package."""

import sys
from codecs import BOM_UTF8, BOM_UTF16_BE, BOM_UTF16_LE
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from hw.system.clock import SystemClock
from kiosk.commands.kinds import ARCHIVE, IDENTITY
from kiosk.commands.options import (
    PluginTerminal,
    confirm,
    example,
    identity_passphrase_option,
    json_option,
    progress_bar,
    read_identity_passphrase,
    say,
    show,
    show_json,
)
from kiosk.text.counts import count

if TYPE_CHECKING:
    from core.receive.opening import Received
    from core.receive.seals import Question

_MAX_IDENTITY_BYTES = 64 * 1024
_MAX_ROOTS_BYTES = 16 * 1024 * 1024
FORMAT_1_LACKS = "It is of format 1, which lacks the box key: whoever has a backup could have made it"

_archive = click.argument("archive", type=ARCHIVE)
identity_option = click.option(
    "--identity",
    type=IDENTITY,
    required=True,
    help="The private key that belongs to the recipient: age, OpenSSH, PEM, or a plugin's.",
)
former_passphrase_option = click.option(
    "--passphrase-file", type=click.Path(path_type=Path, allow_dash=True), hidden=True
)  # of --identity-passphrase-file: no other passphrase is read here
trust_option = click.option(
    "--trust",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    multiple=True,
    help="A root certificate to believe, such as public/roots.pem; may be repeated.",
)


def _read_words(
    _context: click.Context, _option: click.Parameter, typed: str | None
) -> tuple[str, ...] | None:
    from core.archive.box_key import read_words

    return None if typed is None else read_words(typed)


accept_box_option = click.option(
    "--accept-box",
    metavar="WORDS",
    callback=_read_words,
    help="The 12 words of the box that may be believed, read off its panel (menu, 4).",
)


@click.command(
    "open",
    epilog=example(
        "pism open main-kudo-000001-*.age --identity key --out pism",
        'pism open main-kudo-000001-*.age --identity key --accept-box "twelve words of the box"',
    ),
)
@_archive
@identity_option
@identity_passphrase_option
@former_passphrase_option
@trust_option
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("pism"),
    show_default=True,
    help="The folder that archives are opened into; it remembers the roots and what was opened.",
)
@accept_box_option
@json_option
def open_command(
    archive: Path,
    identity: Path,
    trust: tuple[Path, ...],
    out: Path,
    *,
    identity_passphrase_file: Path | None,
    passphrase_file: Path | None,
    accept_box: tuple[str, ...] | None,
    as_json: bool,
) -> None:
    """Check ARCHIVE and put what it holds into --out.

    Where a check fails nothing is changed; nor is it by an archive that is open there already. A box that
    --out does not follow yet, the first one or one that was restored from a backup, is followed once you
    confirm its words, or give them with --accept-box. Read them off the panel (menu, 4): whoever has a backup
    of the box has all else that it signs with.

    With --trust only those roots count, beside the ones that --out knows; they do not vouch for a box.
    """
    from core.receive.opening import open_archive

    ask = confirm_box if sys.stdin.isatty() else None
    identities = read_identities(identity, identity_passphrase_file or passphrase_file)
    roots = read_roots(trust)
    with progress_bar() as report:
        received = open_archive(
            archive, identities, roots, out, ask, SystemClock().now(), accept_box=accept_box, report=report
        )
    _show(received, as_json=as_json)


@click.command(
    "verify", epilog=example("pism verify main-kudo-000001-*.age --identity key --trust roots.pem")
)
@_archive
@identity_option
@identity_passphrase_option
@former_passphrase_option
@trust_option
@accept_box_option
@json_option
def verify_command(
    archive: Path,
    identity: Path,
    trust: tuple[Path, ...],
    *,
    identity_passphrase_file: Path | None,
    passphrase_file: Path | None,
    accept_box: tuple[str, ...] | None,
    as_json: bool,
) -> None:
    """Check ARCHIVE by --trust or a box's words; write nothing.

    The words of the box that made it are printed: whether they are those of your box, the panel says.
    """
    from core.receive.opening import verify_archive

    identities = read_identities(identity, identity_passphrase_file or passphrase_file)
    roots = read_roots(trust)
    with progress_bar() as report:
        received = verify_archive(
            archive, identities, roots, SystemClock().now(), report, accept_box=accept_box
        )
    _show(received, as_json=as_json)


def read_identities(file: Path, passphrase_file: Path | None, *, for_panel: bool = False) -> tuple[Any, ...]:
    """Return the private keys of `file`; an encrypted one asks for its passphrase.

    Args:
        file: The identity.
        passphrase_file: See kiosk.commands.options.read_identity_passphrase.
        for_panel: Whether a box may have to be rescued with it: a passphrase that its panel cannot type is
            told before it is tried.

    Raises:
        ArchiveIdentityError: It holds none that can be used (E-ARCHIVE-IDENTITY).
        IdentityLockedError: The passphrase is another one (E-IDENTITY-LOCKED).
        FileError: It cannot be read (E-FILE).
    """
    from core.crypto.identities import load_identities
    from core.crypto.passphrase import TYPABLE
    from core.errors import IdentityLockedError
    from core.files import read_bounded
    from kiosk.entry.text import can_type

    oddity = ""

    def passphrase() -> bytes:
        nonlocal oddity
        words = read_identity_passphrase(passphrase_file)
        oddity = _oddity(words)
        if for_panel and not can_type(words):
            say(f"warning: a box's panel, in a rescue, cannot type this key's passphrase: {TYPABLE}")
        return words

    try:
        data = read_bounded(file, _MAX_IDENTITY_BYTES)
        return load_identities(data, passphrase, str(file), person=PluginTerminal())
    except IdentityLockedError as error:
        if oddity:
            raise IdentityLockedError(f"{error} The passphrase file {oddity}, which is tried, too.") from None
        raise


def _oddity(passphrase: bytes) -> str:
    """Return what an editor may have put into a passphrase file, and nobody would type; "" for nothing."""
    if passphrase.startswith((BOM_UTF8, BOM_UTF16_LE, BOM_UTF16_BE)):
        return "begins with a byte order mark"
    return "has more than one line" if b"\n" in passphrase else ""


def read_roots(files: tuple[Path, ...]) -> list[Any]:
    """Return the root certificates of all `files`.

    Raises:
        ArchiveTrustError: One holds something else (E-ARCHIVE-TRUST).
        FileError: One cannot be read (E-FILE).
    """
    from core.files import read_bounded
    from core.receive.trust import load_roots

    return [root for file in files for root in load_roots(read_bounded(file, _MAX_ROOTS_BYTES), str(file))]


def confirm_box(question: "Question") -> bool:
    """Show whose archive it is and the words to compare; nothing of it is believed yet."""
    whose = f"{question.authority_name} ({question.authority_id})"
    if question.is_known:
        before = question.restored_from
        whence = f"restored from {before}" if before else "which names none before it"
        say(f"{whose} is known here, and this archive is of another box:")
        say(f"    incarnation {question.incarnation}, {whence}")
        say("Was the box restored from a backup? If not, somebody else has its keys.")
    else:
        say(f"{whose} is new here.")
    say_words(question)
    return confirm("Does the box show the same words (menu, 4)?")


def say_words(question: "Question") -> None:
    """Show the words of the box that made an archive; of format 1, which lacks them, those of its root."""
    if question.box_words:
        say(f"The words of the box that made it:\n    {' '.join(question.box_words)}")
        return
    say(f"{FORMAT_1_LACKS}.")
    say(f"The words of its root {question.root_period}:")
    say(f"    {' '.join(question.root_words)}\n    SHA-256 {question.root_sha256}")


def _show(received: "Received", *, as_json: bool) -> None:
    manifest = received.manifest
    roots, signers = (sum(item.kind == kind for item in manifest.certificates) for kind in ("root", "signer"))
    if as_json:
        show_json(
            {
                "authority": manifest.authority.id,
                "incarnation": manifest.incarnation,
                "kind": manifest.kind,
                "name": manifest.name,
                "sequence": manifest.sequence,
                "created": manifest.created,
                "manifest_sha256": received.manifest_sha256,
                "box_words": received.sealed_by.box_words or None,
                "roots": roots,
                "signers": signers,
                "keys": received.key_count,
                "next_visit_by": manifest.next_visit_by,
                "folder": str(received.folder) if received.folder else None,
                "was_open": received.was_open,
            }
        )
        return
    how = "is open already" if received.was_open else "is good"
    show(f"{manifest.authority.name}: {manifest.kind} {manifest.name} {manifest.sequence:06d} {how}")
    parts = [count(roots, "root"), count(signers, "signer"), count(received.key_count, "key")]
    show(", ".join(parts))
    show(f"next visit by {manifest.next_visit_by:%Y-%m-%d}")
    words = " ".join(received.sealed_by.box_words)
    show(f"made by the box {words}" if words else FORMAT_1_LACKS)
    if received.folder is not None:
        show(str(received.folder))
