"""An older state folder that was put back, told by a receipt on a stick."""

import base64
import json
import shutil
from pathlib import Path

import msgspec
import pytest

from core.api.results import ReceiptChecked
from core.archive.box_key import make_box_key
from core.archive.seal import load_seals
from core.errors import StateForgedError, StateOldError
from core.export.receipt import RECEIPT_FORMAT_1, check_receipt
from core.export.sidecars import make_sidecars
from core.store import journal
from core.store.store import Store, open_store
from tests.authority_store import PASSPHRASE, export, make_store
from tests.builders import make_policy, utc

NOW = utc("2027-01-15T10:00")
NOTHING = ReceiptChecked(is_ours=False, papers=())


def make_receipt(store: Store, kind: str = "egress", name: str = "main-kudo") -> bytes:
    """Export once more and return the receipt that goes on the stick."""
    written, _ = export(store, make_policy(), kind, name, NOW)
    return make_sidecars(store, make_policy(), written, public=False)[-1].data


def test_a_receipt_of_what_is_remembered_passes(tmp_path: Path) -> None:
    with make_store(tmp_path / "state", make_policy(), NOW) as store:
        first = make_receipt(store)
        second = make_receipt(store)
        assert check_receipt(store, first).is_ours
        assert check_receipt(store, second).is_ours


@pytest.mark.parametrize(("kind", "name"), [("egress", "main-kudo"), ("backup", "main-backup")])
def test_a_later_receipt_shows_that_an_older_folder_was_put_back(
    tmp_path: Path, kind: str, name: str
) -> None:
    with make_store(tmp_path / "state", make_policy(), NOW) as store:
        make_receipt(store, kind, name)
    shutil.copytree(tmp_path / "state", tmp_path / "old")
    with open_store(tmp_path / "state", PASSPHRASE) as store:
        later = make_receipt(store, kind, name)
    with (
        open_store(tmp_path / "old", PASSPHRASE) as store,
        pytest.raises(StateOldError, match="000002") as caught,
    ):
        check_receipt(store, later)
    assert caught.value.code == "E-STATE-OLD"


def test_another_receipt_of_a_known_number_shows_that_an_older_folder_was_put_back(tmp_path: Path) -> None:
    with make_store(tmp_path / "state", make_policy(), NOW) as store:
        make_receipt(store)
    shutil.copytree(tmp_path / "state", tmp_path / "old")
    with open_store(tmp_path / "state", PASSPHRASE) as store:
        later = make_receipt(store)
    with open_store(tmp_path / "old", PASSPHRASE) as store:
        with store.transaction():
            store.set_fact("drill_token", "1" * 64)  # another past: the journal differs, so the manifest does
            journal.append(store, "clock", {}, NOW)
        assert check_receipt(store, make_receipt(store)).is_ours
        make_receipt(store)
        with pytest.raises(StateOldError, match="000002, which is not the archive"):
            check_receipt(store, later)


def steal(state: Path, thief: Path) -> None:
    """Let somebody else have all that a backup holds: every key but the box's."""
    shutil.copytree(state, thief)
    with open_store(thief, PASSPHRASE) as store, store.transaction():
        make_box_key(store)
        journal.append(store, "box-key", {}, NOW)


@pytest.mark.parametrize("later", [1, 2])
def test_a_thiefs_receipt_is_told_as_such_and_not_believed(tmp_path: Path, later: int) -> None:
    with make_store(tmp_path / "state", make_policy(), NOW) as store:
        make_receipt(store)
    steal(tmp_path / "state", tmp_path / "thief")
    with open_store(tmp_path / "thief", PASSPHRASE) as thief:
        forged = [make_receipt(thief) for _ in range(later)][-1]
    with open_store(tmp_path / "state", PASSPHRASE) as store:
        with pytest.raises(StateForgedError, match="not signed by its box key") as caught:
            check_receipt(store, forged)
        assert check_receipt(store, make_receipt(store)).is_ours
    assert caught.value.code == "E-STATE-FORGED"


def make_format_1(store: Store) -> bytes:
    """Export once more and return the receipt as format 1 had it, which whoever has a seal can write."""
    data = make_receipt(store)
    receipt = json.loads(data)["receipt"] | {"format": RECEIPT_FORMAT_1, "previous": None}
    for name in ("earlier", "box_key"):
        del receipt[name]
    seals = load_seals(store, [item for item in store.certificates() if item.kind == "seal"])
    signed = msgspec.json.encode(receipt, order="sorted")
    made = [{"certificate": seal.der, "root": seal.root_id, "signature": seal.sign(signed)} for seal in seals]
    return b'{"receipt":%b,"seals":%b}' % (signed, msgspec.json.encode(made, order="sorted"))


def test_a_receipt_of_format_1_is_ours_only_if_it_is_remembered(tmp_path: Path) -> None:
    with make_store(tmp_path / "state", make_policy(), NOW) as store:
        known = make_format_1(store)
        assert check_receipt(store, known).is_ours
    steal(tmp_path / "state", tmp_path / "thief")
    with open_store(tmp_path / "thief", PASSPHRASE) as thief:
        forged = make_format_1(thief)
    with open_store(tmp_path / "state", PASSPHRASE) as store, pytest.raises(StateForgedError):
        check_receipt(store, forged)


def test_a_receipt_that_its_box_key_did_not_sign_proves_nothing(tmp_path: Path) -> None:
    with make_store(tmp_path / "state", make_policy(), NOW) as store:
        receipt = make_receipt(store)
        box = json.loads(receipt)["box"]
        other = base64.b64encode(bytes(64)).decode()
        assert check_receipt(store, receipt.replace(box.encode(), other.encode())) == NOTHING


def test_a_receipt_of_another_authority_proves_nothing(tmp_path: Path) -> None:
    with make_store(tmp_path / "other", make_policy(), NOW) as other:
        foreign = make_receipt(other)
    with make_store(tmp_path / "state", make_policy(), NOW) as store:
        assert check_receipt(store, foreign) == NOTHING


def test_what_is_no_receipt_proves_nothing(tmp_path: Path) -> None:
    with make_store(tmp_path / "state", make_policy(), NOW) as store:
        receipt = make_receipt(store)
        altered = receipt.replace(b'"sequence":1}', b'"sequence":9}')
        assert altered != receipt
        for data in (b"", b"{}", receipt[:-1], altered):
            assert check_receipt(store, data) == NOTHING


def test_a_receipt_of_another_incarnation_proves_nothing(tmp_path: Path) -> None:
    with make_store(tmp_path / "state", make_policy(), NOW) as store:
        receipt = make_receipt(store)
        with store.transaction():
            store.set_fact("incarnation", "99999999-2222-4333-8444-555555555555")
            journal.append(store, "restore", {}, NOW)
        checked = check_receipt(store, receipt)
    assert not checked.is_ours
    assert [paper.path for paper in checked.papers] == ["pism-receipt-main-kudo-000001.html"]
