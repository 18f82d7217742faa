"""What was opened, as one view: only what was checked, revoked everywhere, keys proven."""

from datetime import datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from msgspec import UNSET

from core.errors import ArchiveDamagedError, ArchiveIdentityError, SignerMissingError
from server.opened import read_opened
from server.signers import choose
from tests.archives import NOW, Box, day, make_box
from tests.server.makers import LAST, NEXT, TARGET, make_quarters, open_into


def test_signers_roots_and_keys_are_those_of_the_box(tmp_path: Path) -> None:
    box = make_quarters()
    opened = read_opened(open_into(tmp_path / "out", box))
    assert {signer.id for signer in opened.signers} == {item.record.id for item in box.of("signer")}
    for item in box.of("signer"):
        signer = choose(opened.signers, TARGET, 1, item.record.issue_from)
        assert signer.id == item.record.id
        assert opened.read_chain(signer) == (item.x509, box.of("root")[0].x509)
        key = opened.read_key(signer, [box.identity])
        form = (Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        assert key.public_key().public_bytes(*form) == item.x509.public_key().public_bytes(*form)


def test_only_egresses_count(tmp_path: Path) -> None:
    out = open_into(tmp_path / "out", make_quarters(), kind="backup", keys_of=("root", "seal", "signer"))
    with pytest.raises(SignerMissingError):
        read_opened(out)
    with pytest.raises(SignerMissingError):
        read_opened(tmp_path / "nothing")


def test_what_one_archive_calls_revoked_is_revoked_in_all(tmp_path: Path) -> None:
    box = make_quarters()
    out = open_into(tmp_path / "out", box)
    first = box.of("signer")[0].record.id
    box.revoked.add(first)
    box.crl_number += 1
    open_into(out, box, name="other", created=NOW + timedelta(hours=1))
    signers = {signer.id: signer for signer in read_opened(out).signers}
    assert [id_ for id_, signer in signers.items() if signer.is_revoked] == [first]


def test_everything_below_a_revoked_root_is_revoked(tmp_path: Path) -> None:
    box = make_quarters()
    first = box.of("root")[0]
    second = box.add("root", start=day(2027), until=day(2029), tail=400)
    box.add("seal", second)
    out = open_into(tmp_path / "out", box)
    box.revoked.add(first.record.id)
    box.crl_number += 1
    open_into(out, box, name="other", created=NOW + timedelta(hours=1))
    opened = read_opened(out)
    assert all(signer.is_revoked for signer in opened.signers)
    assert [root.id for root in opened.trusted_roots(NOW)] == [second.record.id]


@pytest.mark.parametrize("path", ["manifest.json", "passphrases.age", "signers", "keys"])
def test_what_was_changed_after_the_opening_is_refused(tmp_path: Path, path: str) -> None:
    box = make_quarters()
    out = open_into(tmp_path / "out", box)
    (folder,) = (item for item in out.iterdir() if item.name.startswith("main-kudo"))
    for file in [folder / path] if (folder / path).is_file() else (folder / path).rglob("*.pem"):
        data = bytearray(file.read_bytes())
        data[len(data) // 2] ^= 1
        file.write_bytes(data)
    with pytest.raises(ArchiveDamagedError):
        take_key(out, box)


def take_key(out: Path, box: Box) -> None:
    opened = read_opened(out)
    opened.read_key(choose(opened.signers, TARGET, 1, NOW), [box.identity])


def test_another_identity_gets_no_key(tmp_path: Path) -> None:
    box, other = make_quarters(), make_quarters()
    opened = read_opened(open_into(tmp_path / "out", box))
    with pytest.raises(ArchiveIdentityError):
        opened.read_key(choose(opened.signers, TARGET, 1, NEXT), [other.identity])


def test_trusted_are_live_roots_now_and_to_come_and_no_expired_ones(tmp_path: Path) -> None:
    box = make_quarters()
    later = box.add("root", start=day(2028), until=day(2029), tail=400)
    box.add("seal", later)
    opened = read_opened(open_into(tmp_path / "out", box))

    def trusted(now: datetime) -> list[x509.Certificate]:
        return [root.certificate for root in opened.trusted_roots(now)]

    assert trusted(NOW) == [box.of("root")[0].x509, later.x509]
    assert trusted(box.of("root")[0].record.not_after + timedelta(hours=1)) == [later.x509]


@pytest.mark.parametrize(("of_format", "days"), [(1, (30, 10)), (2, (10, 10))])
def test_a_leaf_lives_as_long_as_the_manifest_says_and_never_longer_than_the_tail(
    tmp_path: Path, of_format: int, days: tuple[int, ...]
) -> None:
    """In format 2 it is one limit for a target, so that it does not change each quarter."""
    box = make_box()
    box.add("signer", start=NEXT, until=LAST, tail=10)
    keys = {"earlier": UNSET, "targets": UNSET, "box_key": UNSET}
    old = {"format": "pism-archive-v1", "previous": None, **keys}
    opened = read_opened(open_into(tmp_path / "out", box, head=old if of_format == 1 else None))
    signers = sorted(opened.signers, key=lambda signer: signer.issue_from)
    assert tuple(signer.leaf_lifetime.days for signer in signers) == days
