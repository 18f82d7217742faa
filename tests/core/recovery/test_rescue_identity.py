"""The identity of a rescue: what is one, how it is opened, and that nothing of it stays."""

from pathlib import Path

import pyrage
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.api import requests as protocol
from core.api import results
from core.api.results import IdentitySeen
from core.crypto.identities import is_private_key
from core.errors import ArchiveIdentityError
from core.progress import report_nothing
from core.recovery.rescue import Rescue
from kiosk.work.session import VaultRefusalError
from tests.backups import (
    PastBox,
)
from tests.core.crypto.test_identities import PASSPHRASE as KEY_PASSPHRASE
from tests.core.crypto.test_identities import encrypt_age
from tests.core.recovery.rescuing import (
    NOW,
    Vaults,
    identity_of,
    in_memory,
    names_in,
    open_backup,
    refusal,
    see,
    take,
)


def test_an_identity_with_a_passphrase_is_opened_by_it_and_may_be_tried_again(
    past: tuple[PastBox, Path], tmp_path: Path, vaults: Vaults
) -> None:
    box, backup = past
    session = vaults(tmp_path / "state")
    assert take(session, encrypt_age(identity_of(box))).locked
    wrong = protocol.OpenIdentity(passphrase=b"wrong")
    assert refusal(lambda: session.ask(wrong, results.Acknowledged)) == "E-IDENTITY-LOCKED"
    session.ask(protocol.OpenIdentity(passphrase=KEY_PASSPHRASE), results.Acknowledged)
    assert open_backup(session, backup).sequence == 3
    assert "wrong" not in repr(wrong)


def test_what_a_file_is_its_bytes_say(past: tuple[PastBox, Path], tmp_path: Path, vaults: Vaults) -> None:
    box, backup = past
    session = vaults(tmp_path / "state")
    plain = identity_of(box)
    assert see(session, plain) == IdentitySeen(is_identity=True, locked=False)
    assert see(session, encrypt_age(plain)) == IdentitySeen(is_identity=True, locked=True)
    for other in (b"", b"a letter", str(box.identity.to_public()).encode(), backup.read_bytes()[:4096]):
        assert not see(session, other).is_identity
    assert not see(session, plain + b"#" * 65536).is_identity  # too long
    # Looking takes nothing.
    with backup.open("rb") as file, pytest.raises(VaultRefusalError) as raised:
        session.ask(protocol.OpenBackup(now=NOW), object, into=file)  # type: ignore[arg-type]
    assert raised.value.failed.code == "E-BUG"


def test_a_private_key_that_opens_nothing_is_one_and_says_why(tmp_path: Path, vaults: Vaults) -> None:
    session = vaults(tmp_path / "state")
    point = ec.generate_private_key(ec.SECP256R1())
    key = point.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    assert see(session, key) == IdentitySeen(is_identity=True, locked=False)
    with pytest.raises(VaultRefusalError, match="of a kind that opens no archive"):
        take(session, key)


def test_another_identity_is_refused_and_the_right_one_still_taken(
    past: tuple[PastBox, Path], tmp_path: Path, vaults: Vaults
) -> None:
    box, backup = past
    session = vaults(tmp_path / "state")
    assert refusal(lambda: take(session, b"a letter")) == "E-ARCHIVE-IDENTITY"
    take(session, f"{pyrage.x25519.Identity.generate()}\n".encode())
    assert refusal(lambda: open_backup(session, backup)) == "E-ARCHIVE-IDENTITY"
    take(session, identity_of(box))
    assert open_backup(session, backup).sequence == 3


# --- secrets ---


def test_an_identity_is_forgotten_when_the_backup_is_open(past: tuple[PastBox, Path], tmp_path: Path) -> None:
    box, backup = past
    rescue = Rescue(tmp_path / "state", tmp_path / "config.yaml")
    with in_memory(identity_of(box)) as file:
        rescue.take_identity(file)
    assert rescue._identities
    with backup.open("rb") as file:
        rescue.open_backup(file, NOW, report_nothing)
    assert not rescue._identities
    assert not rescue._locked
    rescue.close()
    assert rescue._backup is None


def test_no_byte_of_the_identity_or_the_backup_is_on_the_disk_of_an_empty_box(
    past: tuple[PastBox, Path], tmp_path: Path, vaults: Vaults, monkeypatch: pytest.MonkeyPatch
) -> None:
    box, backup = past
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    scratch.chmod(0o500)  # a temporary file would not find a place
    monkeypatch.setattr("tempfile.tempdir", str(scratch))
    session = vaults(tmp_path / "state")
    take(session, identity_of(box))
    open_backup(session, backup)
    assert names_in(scratch) == []
    assert names_in(tmp_path / "state") == []


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.binary(max_size=600), st.sampled_from([b"", b"age-encryption.org/v1\n-> scrypt ", b"AGE-SECRET-KEY-1"])
)
def test_whatever_a_file_holds_it_is_an_identity_or_not(tmp_path: Path, data: bytes, head: bytes) -> None:
    rescue = Rescue(tmp_path / "state", tmp_path / "config.yaml")
    with in_memory(head + data) as file:
        seen = rescue.see_identity(file)
        assert isinstance(seen, IdentitySeen)
        try:
            rescue.take_identity(file)
        except ArchiveIdentityError:
            assert not seen.locked
            assert seen.is_identity == is_private_key(head + data)  # then the refusal says why
