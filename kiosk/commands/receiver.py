"""`pism open` and `pism verify`: the receiver's side. It needs no box and no hardware package."""

import sys
from codecs import BOM_UTF8, BOM_UTF16_BE, BOM_UTF16_LE
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from hw.system.clock import SystemClock
from kiosk.commands.options import (
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

_archive = click.argument("archive", type=click.Path(path_type=Path, exists=True, dir_okay=False))
identity_option = click.option(
    "--identity",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    required=True,
    help="The private key that belongs to the recipient: age, OpenSSH or PEM.",
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

follow_option = click.option(
    "--follow",
    metavar="INCARNATION",
    help="After a restore: the new incarnation to go on with, as `pism restore` printed it.",
)


@click.command(
    "open", epilog=example("pism open main-kudo-000001-*.age --identity key --trust roots.pem --out pism")
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
@follow_option
@json_option
def open_command(
    archive: Path,
    identity: Path,
    trust: tuple[Path, ...],
    out: Path,
    *,
    identity_passphrase_file: Path | None,
    passphrase_file: Path | None,
    follow: str | None,
    as_json: bool,
) -> None:
    """Check ARCHIVE and put what it holds into --out.

    Where a check fails nothing is changed. The first root of an authority is believed if --trust names it,
    or if you confirm its words, which the box shows in its menu under "roots".

    Once --out follows a box, a box that was restored from a backup is a new incarnation of it. That is
    believed if you confirm it, or if --follow names it; a root does not vouch for it.
    """
    from core.receive.opening import open_archive

    ask = confirm_root if sys.stdin.isatty() else None
    identities = read_identities(identity, identity_passphrase_file or passphrase_file)
    roots = read_roots(trust)
    with progress_bar() as report:
        received = open_archive(
            archive, identities, roots, out, ask, SystemClock().now(), follow=follow, report=report
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
@json_option
def verify_command(
    archive: Path,
    identity: Path,
    trust: tuple[Path, ...],
    *,
    identity_passphrase_file: Path | None,
    passphrase_file: Path | None,
    as_json: bool,
) -> None:
    """Check ARCHIVE against the roots of --trust; write nothing."""
    from core.receive.opening import verify_archive

    identities = read_identities(identity, identity_passphrase_file or passphrase_file)
    roots = read_roots(trust)
    with progress_bar() as report:
        received = verify_archive(archive, identities, roots, SystemClock().now(), report)
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
        return load_identities(read_bounded(file, _MAX_IDENTITY_BYTES), passphrase, str(file))
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


def confirm_root(question: "Question") -> bool:
    """Show what is new and ask; nothing of the archive is believed yet but its seal."""
    root = f"root {question.root_period} (on the box: menu, 4)"
    if question.is_known:
        before = question.restored_from
        whence = f"restored from {before}" if before else "which names none before it"
        say(f"{question.authority_name} ({question.authority_id}) has a new incarnation:")
        say(f"    {question.incarnation}, {whence}")
        say(f"Was the box restored from a backup? Its {root}:")
    else:
        say(f"{question.authority_name} ({question.authority_id}) is new here. Its {root}:")
    say(f"    {' '.join(question.root_words)}\n    SHA-256 {question.root_sha256}")
    return confirm("Does the box show the same words?")


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
                "roots": roots,
                "signers": signers,
                "keys": received.key_count,
                "next_visit_by": manifest.next_visit_by,
                "folder": str(received.folder) if received.folder else None,
            }
        )
        return
    show(f"{manifest.authority.name}: {manifest.kind} {manifest.name} {manifest.sequence:06d} is good")
    parts = [count(roots, "root"), count(signers, "signer"), count(received.key_count, "key")]
    show(", ".join(parts))
    show(f"next visit by {manifest.next_visit_by:%Y-%m-%d}")
    if received.folder is not None:
        show(str(received.folder))
