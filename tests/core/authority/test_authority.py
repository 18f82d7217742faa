"""The facade: founding, and that every act is journaled with what it did."""

import io
from pathlib import Path
from typing import Any

import msgspec
import pytest

from core.authority.authority import Authority
from core.errors import CaError, PolicyError
from core.policy.settings import SignerSettings, Target
from core.progress import report_nothing
from core.recovery.drill import drill
from core.store import keyslots
from core.store.store import create_store, open_store
from tests.authorities import BOOT, COST, NOW, Founded, found, refusal, snapshot
from tests.authority_store import PASSPHRASE
from tests.builders import make_policy


def acts(authority: Authority) -> list[str]:
    return [entry.act for entry in authority.entries()]


def test_founding_pins_the_policy_and_issues_nothing(tmp_path: Path) -> None:
    policy = make_policy()
    authority = Authority.found(tmp_path / "state", policy, PASSPHRASE, COST, NOW)
    (entry,) = authority.entries()
    assert (entry.act, entry.time) == ("init", NOW)
    assert entry.detail["policy"] == policy.sha256
    assert authority.policy == policy
    assert authority.certificates() == ()
    assert authority.unlocked(tmp_path / "config.yaml").last_entry_at == NOW
    authority.close()
    with open_store(tmp_path / "state", PASSPHRASE) as store:
        assert sorted(store.facts()) == ["drill_token", "incarnation", "policy"]


def test_founding_derives_the_key_once_and_stays_locked_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    derive, derived = keyslots._derive, []

    def counted(*arguments: Any) -> bytes:
        derived.append(1)
        return derive(*arguments)

    monkeypatch.setattr(keyslots, "_derive", counted)
    authority = Authority.found(tmp_path / "state", make_policy(), PASSPHRASE, COST, NOW)
    assert len(derived) == 1
    assert refusal(Authority.unlock, tmp_path / "state", PASSPHRASE, NOW, BOOT) == "E-STATE-LOCKED"
    authority.top_up(NOW, report_nothing)
    authority.close()


def test_two_foundings_share_neither_incarnation_nor_drill_token(founded: Founded, tmp_path: Path) -> None:
    other = found(tmp_path / "other", top_up=False)
    with founded.open_store() as one, other.open_store() as two:
        assert not set(one.facts().values()) & set(two.facts().values())


def test_founding_refuses_a_weak_passphrase_and_writes_nothing(tmp_path: Path) -> None:
    assert (
        refusal(Authority.found, tmp_path / "state", make_policy(), b"password1", COST, NOW)
        == "E-PASSPHRASE-WEAK"
    )
    assert list(tmp_path.iterdir()) == []


def test_founding_refuses_a_state_that_exists_and_leaves_it_alone(founded: Founded) -> None:
    before = snapshot(founded.state)
    assert refusal(Authority.found, founded.state, make_policy(), PASSPHRASE, COST, NOW) == "E-STATE-EXISTS"
    assert snapshot(founded.state) == before


def test_a_store_without_a_journal_or_a_policy_is_damaged(tmp_path: Path) -> None:
    with pytest.raises(CaError) as raised, create_store(tmp_path / "state", PASSPHRASE, COST) as store:
        Authority(store, NOW, "boot")
    assert raised.value.code == "E-STATE-DAMAGED"
    founded = found(tmp_path / "other", top_up=False)
    with founded.open_store() as store:
        store._database.run("DELETE FROM fact WHERE name = 'policy'")
        with pytest.raises(CaError, match="no policy"):
            Authority(store, NOW, "boot")


def test_an_archive_is_written_then_confirmed(founded: Founded) -> None:
    out = io.BytesIO()
    with founded.open() as authority:
        written = authority.write_archive("egress", "main-kudo", out, NOW, report_nothing, public=True)
        assert len(out.getvalue()) == written.size_bytes
        authority.confirm_written("egress", "main-kudo", written.sequence, "PISM-ALL", NOW)
        state = authority.status(NOW).archives[0]
        assert (state.sequence, state.created, state.written) == (1, NOW, NOW)
        detail = {"kind": "egress", "name": "main-kudo", "sequence": 1, "where": "PISM-ALL"}
        assert list(authority.entries())[-1].detail == detail


@pytest.mark.parametrize(
    ("kind", "name", "code"),
    [
        ("egress", "elsewhere", "E-POLICY"),
        ("backup", "main-kudo", "E-POLICY"),
        ("ship", "main-kudo", "E-POLICY"),
    ],
)
def test_an_unknown_archive_is_refused_and_takes_no_number(
    founded: Founded, kind: str, name: str, code: str
) -> None:
    with founded.open() as authority:
        before = authority.status(NOW)
        out = io.BytesIO()
        write = authority.write_archive
        assert refusal(write, kind, name, out, NOW, report_nothing, public=True) == code
        assert out.getvalue() == b""
        assert authority.status(NOW) == before
    with founded.open_store() as store:
        assert store.sequences() == ()


def test_an_archive_that_was_never_made_cannot_be_confirmed(founded: Founded) -> None:
    with founded.open() as authority:
        assert refusal(authority.confirm_written, "egress", "main-kudo", 7, "X", NOW) == "E-ISSUE"
        assert "written" not in acts(authority)


def test_an_approved_policy_is_pinned_whole_and_its_changes_are_journaled(founded: Founded) -> None:
    with founded.open() as authority:
        wanted = msgspec.structs.replace(
            authority.policy,
            signers=SignerSettings(
                lead_time=0.5, classes={"services": {"mongo": Target(quantum=0.25, load=2)}}
            ),
        )
        authority.approve_policy(wanted, NOW)
        detail = list(authority.entries())[-1].detail
        assert detail == {
            "policy": wanted.sha256,
            "changes": ["signers.classes.services.mongo.load: 1 -> 2"],
        }
        assert authority.policy == wanted
        assert authority.top_up(NOW, report_nothing).signers == 3
    with founded.open() as authority:
        assert authority.policy == wanted


def test_a_config_that_cannot_be_used_is_said_and_hinders_nothing(founded: Founded, tmp_path: Path) -> None:
    with founded.open() as authority:
        (told,) = authority.unlocked(tmp_path / "config.yaml").policy_changes
    assert told.startswith("E-FILE: ")


def test_a_revocation_is_journaled(founded: Founded) -> None:
    with founded.open() as authority:
        root = authority.certificates()[0]
        authority.revoke(root.id, "cACompromise", NOW)
        entry = list(authority.entries())[-1]
        assert entry.detail == {"id": root.id, "kind": "root", "reason": "cACompromise"}
        with pytest.raises(PolicyError):
            authority.revoke(root.id, "cACompromise", NOW)


def test_a_later_receipt_shows_that_an_older_state_was_put_back(founded: Founded, tmp_path: Path) -> None:
    older = founded.copy(tmp_path / "older")
    with founded.open() as authority:
        written = authority.write_archive(
            "egress", "main-kudo", io.BytesIO(), NOW, report_nothing, public=False
        )
        receipt = written.companions[-1].data
        authority.check_receipt(receipt)
    with older.open() as authority:
        assert refusal(authority.check_receipt, receipt) == "E-STATE-OLD"


def test_a_drill_is_remembered_by_its_words(founded: Founded, tmp_path: Path) -> None:
    with founded.open() as authority:
        with (tmp_path / "backup").open("wb") as out:
            authority.write_archive("backup", "main-backup", out, NOW, report_nothing, public=False)
        proven = drill(
            tmp_path / "backup", [founded.identity], (), lambda _: True, NOW, report=report_nothing
        )
        before = acts(authority)
        assert refusal(authority.record_drill, None, "zoo zoo zoo zoo zoo zoo", NOW) == "E-DRILL"
        assert acts(authority) == before
        assert authority.status(NOW).undrilled == ("main-backup",)
        authority.record_drill(None, " ".join(proven.words), NOW)
        assert authority.status(NOW).undrilled == ()
        assert acts(authority) == [*before, "drill"]
