"""An older state folder that was put back, told by a receipt on a stick."""

import shutil
from pathlib import Path

import pytest

from core.api.results import ReceiptChecked
from core.errors import StateOldError
from core.export.receipt import check_receipt
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
