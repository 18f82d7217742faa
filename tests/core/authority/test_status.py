"""The status: what a person needs to see, and nothing that is secret."""

import hashlib
from datetime import timedelta

import msgspec
import pytest

from core.api.results import StatusReport
from core.authority.status import make_status, summarize_signer
from core.authority.top_up import top_up
from core.crypto.recipients import parse_recipient
from core.policy.policy import Policy, decode_policy, list_recipients
from core.policy.settings import Egress, SignerSettings, Target
from core.progress import report_nothing
from core.store import journal
from core.store.records import ArchiveRecord
from core.store.store import Store
from tests.authorities import NOW, Founded
from tests.builders import AGE_KEY, OTHER_AGE_KEY, make_certificate, make_policy, make_root, utc


def policy_of(store: Store) -> Policy:
    return decode_policy((store.fact("policy") or "").encode())


def status_of(store: Store, now: object = NOW) -> StatusReport:
    return make_status(store, policy_of(store), now, "")  # type: ignore[arg-type] # datetimes


def test_there_is_one_cover_a_target_with_its_lead_and_the_roots_come_first(founded: Founded) -> None:
    with founded.open_store() as store:
        report = status_of(store)
    roots, mongo = report.covers
    assert (roots.class_name, roots.target, roots.lanes, roots.lead_days) == ("", "", 1, 366)
    assert roots.until == utc("2029-01-01")
    assert (mongo.class_name, mongo.target, mongo.lanes, mongo.lead_days) == ("services", "mongo", 1, 183)
    assert mongo.until == utc("2027-10-01")
    # The lists of revoked certificates run out first: 180 days after today.
    assert report.next_visit_by == NOW + timedelta(days=180)


def test_a_cover_is_that_of_the_lowest_lane(founded: Founded) -> None:
    with founded.open_store() as store:
        policy = make_policy(
            signers=SignerSettings(
                lead_time=0.5, classes={"services": {"mongo": Target(quantum=0.25, load=3)}}
            )
        )
        top_up(store, policy, NOW, report_nothing)
        second = next(
            item for item in store.certificates("signer") if (item.lane, item.period) == (2, "2027.2")
        )
        with store.transaction():
            store.revoke(second.id, NOW, "superseded")
            journal.append(store, "revoke", {}, NOW)
        (_, mongo) = make_status(store, policy, NOW, "").covers
    assert (mongo.lanes, mongo.lowest_lane, mongo.until) == (3, 2, second.issue_from)


def test_a_target_that_was_just_approved_is_not_covered(founded: Founded) -> None:
    with founded.open_store() as store:
        targets = {"mongo": Target(quantum=0.25), "redis": Target(quantum=1)}
        policy = make_policy(signers=SignerSettings(lead_time=0.5, classes={"services": targets}))
        report = make_status(store, policy, NOW, "E-CLOCK-AHEAD")
    assert [(item.target, item.until == NOW) for item in report.covers] == [
        ("", False),
        ("mongo", False),
        ("redis", True),
    ]
    assert report.next_visit_by == NOW
    assert report.clock == "E-CLOCK-AHEAD"


def test_roots_are_shown_with_the_words_of_their_hash(founded: Founded) -> None:
    with founded.open_store() as store:
        report = status_of(store)
        ders = dict(store.ders([item.id for item in store.certificates("root")]))
    for root in report.roots:
        assert root.sha256 == hashlib.sha256(ders[root.id]).hexdigest()
        assert len(root.words) == 12
    assert [(root.period, root.status) for root in report.roots] == [("2027", "active"), ("2028", "future")]


def test_signers_are_listed_until_they_expire_and_everything_is_counted(founded: Founded) -> None:
    with founded.open_store() as store:
        first = store.certificates("signer")[0]
        last = status_of(store, first.not_after)
        over = status_of(store, first.not_after + timedelta(seconds=1))
    assert [item.period for item in last.signers] == ["2027.1", "2027.2", "2027.3"]
    assert [item.period for item in over.signers] == ["2027.2", "2027.3"]
    assert last.counts["signer retired"] == 1
    assert over.counts["signer expired"] == 1
    assert sum(over.counts.values()) == 2 + 2 + 3


def test_a_signer_is_told_apart_by_path_lane_and_period() -> None:
    told = summarize_signer(make_certificate(lane=7), utc("2027-02-01"))
    assert (told.path, told.lane, told.period, told.status) == ("services/mongo", 7, "2027.1", "active")
    root = summarize_signer(make_root(), utc("2026-02-01"))
    assert (root.path, root.lane, root.period, root.status) == ("roots", 0, "2027", "future")


def test_recipients_are_listed_with_the_words_of_their_keys() -> None:
    policy = make_policy(egresses={"main-kudo": Egress(recipients=(AGE_KEY, OTHER_AGE_KEY))})
    told = list_recipients(policy, (), policy)
    assert [(item.kind, item.name, item.key) for item in told] == [
        ("egress", "main-kudo", AGE_KEY),
        ("egress", "main-kudo", OTHER_AGE_KEY),
        ("backup", "main-backup", OTHER_AGE_KEY),
    ]
    assert told[0].words == parse_recipient(AGE_KEY, "test").words


def test_the_newest_archive_of_each_name_is_shown_and_when_one_last_stood_on_a_stick(
    founded: Founded,
) -> None:
    later = NOW + timedelta(days=1)
    with founded.open_store() as store:
        assert [item.sequence for item in status_of(store).archives] == [None, None]
        with store.transaction():
            for sequence in (1, 2):
                store.add_archive(
                    ArchiveRecord(
                        kind="egress",
                        name="main-kudo",
                        sequence=sequence,
                        created=NOW,
                        manifest_sha256="00" * 32,
                    )
                )
            store.mark_written("egress", "main-kudo", 1, later)
            journal.append(store, "test", {}, NOW)
        egress, backup = status_of(store).archives
    assert (egress.kind, egress.name, egress.sequence, egress.created) == ("egress", "main-kudo", 2, NOW)
    assert (egress.written, egress.drilled) == (later, None)
    assert (backup.kind, backup.name, backup.sequence, backup.drilled) == (
        "backup",
        "main-backup",
        None,
        None,
    )


@pytest.mark.parametrize(("days", "named"), [(None, True), (181, True), (180, False), (0, False)])
def test_a_backup_is_named_until_it_is_drilled_and_again_when_that_was_long_ago(
    founded: Founded, days: int | None, *, named: bool
) -> None:
    with founded.open_store() as store:
        if days is not None:
            with store.transaction():
                store.set_fact("drilled main-backup", f"{NOW - timedelta(days=days):%Y-%m-%dT%H:%M:%SZ}")
                journal.append(store, "drill", {}, NOW)
        assert status_of(store).undrilled == (("main-backup",) if named else ())


def test_the_journal_is_shown_by_its_head_and_its_words(founded: Founded) -> None:
    with founded.open_store() as store:
        report = status_of(store)
        entry = store.last_entry()
    assert entry is not None
    assert (report.journal_sequence, report.journal_head) == (entry.sequence, entry.hash)
    assert len(report.journal_words) == 12


def test_a_status_holds_no_key(founded: Founded) -> None:
    with founded.open_store() as store:
        text = msgspec.json.encode(status_of(store))
        keys = dict(store.keys(store.key_ids()))
    assert not [each for each, key in keys.items() if key[-32:].hex().encode() in text or key in text]
