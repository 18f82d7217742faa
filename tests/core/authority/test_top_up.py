"""The top-up: in which order and in which transactions it issues, and what a stop or an error leaves."""

import io
from collections import Counter
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509

from core.authority.top_up import FAST_BATCH, SLOW_BATCH, top_up
from core.errors import CaError, IssueError, StateDamagedError, StoppedError
from core.issue.issuance import load_root
from core.policy.settings import AuthorityName, RootSettings, SignerSettings, Target
from core.progress import Progress, report_nothing
from core.store import journal
from core.store.store import Store
from tests.authorities import NOW, Founded, found
from tests.builders import make_policy


def policy_of(*, load: int = 1, **target: Any) -> Any:
    """Return a policy of one target whose periods last a year."""
    classes = {"services": {"mongo": Target(load=load, **({"quantum": 1} | target))}}
    return make_policy(signers=SignerSettings(lead_time=0.5, classes=classes))


@pytest.fixture(scope="module")
def empty_once(tmp_path_factory: pytest.TempPathFactory) -> Founded:
    return found(tmp_path_factory.mktemp("empty") / "state", top_up=False)


@pytest.fixture
def empty(empty_once: Founded, tmp_path: Path) -> Founded:
    """An authority that has issued nothing."""
    return empty_once.copy(tmp_path / "empty")


def issued_per_entry(store: Store) -> list[int]:
    return [len(entry.detail["certificates"]) for entry in store.entries() if entry.act == "issue"]


def kinds(store: Store) -> Counter[str]:
    return Counter(item.kind for item in store.certificates())


def test_every_root_comes_with_its_seal_and_its_first_list_in_one_entry(empty: Founded) -> None:
    with empty.open_store() as store:
        made = top_up(store, make_policy(), NOW, report_nothing)
        by_id = {item.id: item for item in store.certificates()}
        entries = [entry.detail["certificates"] for entry in store.entries() if entry.act == "issue"]
        roots = [item for item in by_id.values() if item.kind == "root"]
        assert made.roots == len(roots) == 2
        for root, pair in zip(roots, entries[:2], strict=True):
            assert [by_id[each].kind for each, _ in pair] == ["root", "seal"]
            assert [by_id[each].sha256 for each, _ in pair] == [digest for _, digest in pair]
            assert by_id[pair[1][0]].issuer == root.id == pair[0][0]
        assert {crl.issuer for crl in store.crls()} == {root.id for root in roots}
        assert {crl.this_update for crl in store.crls()} == {NOW}


def test_a_second_top_up_at_the_same_time_issues_nothing_and_writes_nothing(empty: Founded) -> None:
    with empty.open_store() as store:
        first = top_up(store, make_policy(), NOW, report_nothing)
        head = store.last_entry()
        second = top_up(store, make_policy(), NOW, report_nothing)
        assert (first.roots, first.signers, first.erased_keys) == (2, 3, 0)
        assert (second.roots, second.signers, second.erased_keys, second.late_roots) == (0, 0, 0, 0)
        assert store.last_entry() == head


def test_a_root_that_starts_without_its_spread_is_counted(empty: Founded) -> None:
    with empty.open_store() as store:
        assert top_up(store, make_policy(), NOW, report_nothing).late_roots == 1


def test_signers_are_committed_batch_by_batch(empty: Founded) -> None:
    with empty.open_store() as store:
        made = top_up(store, policy_of(load=FAST_BATCH + 1), NOW, report_nothing)
        assert made.signers == FAST_BATCH + 1
        assert issued_per_entry(store) == [2, 2, FAST_BATCH, 1]
        journal.verify(store)


def test_slow_keys_are_committed_in_small_batches(empty: Founded) -> None:
    with empty.open_store() as store:
        top_up(store, policy_of(load=SLOW_BATCH + 1, algorithm="rsa3072"), NOW, report_nothing)
        assert issued_per_entry(store) == [2, 2, SLOW_BATCH, 1]


def stop_at(what: str, place: int, error: type[Exception] = StoppedError) -> Any:
    def report(progress: Progress) -> None:
        if (progress.what, progress.done) == (what, place):
            raise error

    return report


@pytest.mark.parametrize(
    ("what", "place"),
    [("root", 0), ("root", 1), ("seal", 1), ("root", 2), ("seal", 2), ("rehearsal", 0), ("rehearsal", 1)]
    + [("signer", place) for place in range(1, 11)],
)
def test_a_stop_keeps_what_was_done_and_the_next_top_up_goes_on(
    empty: Founded, what: str, place: int
) -> None:
    policy = policy_of(load=10)
    with empty.open_store() as store:
        with pytest.raises(StoppedError):
            top_up(store, policy, NOW, stop_at(what, place))
        journal.verify(store)
        before = kinds(store)
        kept = {"root": max(0, place - 1), "seal": place}.get(what, 2)  # a root is kept with its seal
        assert (before["root"], before["signer"]) == (kept, place if what == "signer" else 0)
        rest = top_up(store, policy, NOW, report_nothing)
        assert (rest.roots, rest.signers) == (2 - before["root"], 10 - before["signer"])
        assert kinds(store) == {"root": 2, "seal": 2, "signer": 10}


def test_an_unforeseen_error_leaves_the_last_commit_and_the_next_top_up_goes_on(empty: Founded) -> None:
    policy = policy_of(load=10)
    with empty.open_store() as store:
        with pytest.raises(ZeroDivisionError):
            top_up(store, policy, NOW, stop_at("signer", 5, ZeroDivisionError))
        journal.verify(store)
        assert kinds(store) == {"root": 2, "seal": 2}
        assert top_up(store, policy, NOW, report_nothing).signers == 10


def test_progress_goes_from_nothing_to_all_and_never_back(empty: Founded) -> None:
    told: list[Progress] = []
    with empty.open_store() as store:
        top_up(store, policy_of(load=3), NOW, told.append)
    assert [str(progress) for progress in told] == [
        "root 0 of 2",
        "seal 0 of 2",
        "root 1 of 2",
        "seal 1 of 2",
        "root 2 of 2",
        "seal 2 of 2",
        *(f"rehearsal {done} of {told[6].total}" for done in range(told[6].total + 1)),
        *(f"signer {done} of 3" for done in range(1, 4)),
    ]
    work = [progress.work_done for progress in told]
    assert work == sorted(work)
    assert (work[0], work[-1]) == (0, told[0].work_total)
    assert len({progress.work_total for progress in told}) == 1


def test_a_policy_whose_names_fit_into_no_certificate_issues_nothing(empty: Founded) -> None:
    """config.yaml cannot say this; whatever gets by it, the rehearsal stops before anything is stored."""
    name = AuthorityName(name="x" * 65, id="c5ce9b8a-3cf1-4b50-b62c-7979d7d0edd7", domain="worlds.example")
    with empty.open_store() as store:
        head = store.last_entry()
        with pytest.raises(IssueError):
            top_up(store, make_policy(authority=name), NOW, report_nothing)
        assert store.certificates() == ()
        assert store.last_entry() == head


def test_where_one_target_cannot_be_rehearsed_no_signer_is_signed(empty: Founded) -> None:
    targets = {"a": Target(quantum=1), "b" * 60: Target(quantum=1)}
    policy = make_policy(signers=SignerSettings(lead_time=0.5, classes={"services": targets}))
    with empty.open_store() as store:
        with pytest.raises(IssueError):
            top_up(store, policy, NOW, report_nothing)
        journal.verify(store)
        assert kinds(store) == {"root": 2, "seal": 2}


def test_signers_nest_in_the_root_that_signed_them_over_many_roots(tmp_path: Path) -> None:
    roots = RootSettings(quantum=0.25, lead_time=1.0)
    targets = {"short": Target(quantum=1 / 12), "long": Target(quantum=0.5, leaf_lifetime_days=90)}
    signers = SignerSettings(lead_time=1.0, classes={"services": targets})
    box = found(tmp_path / "state", roots=roots, signers=signers)
    with box.open_store() as store:
        by_id = {item.id: item for item in store.certificates()}
        ders = dict(store.ders(by_id))
    made = [item for item in by_id.values() if item.kind == "signer"]
    assert len({item.issuer for item in made}) >= 4
    for item in made:
        root = by_id[item.issuer]
        assert root.not_before <= item.not_before <= item.not_after <= root.not_after
        one, other = (x509.load_der_x509_certificate(ders[each.id]) for each in (item, root))
        one.verify_directly_issued_by(other)


def test_signer_keys_are_erased_when_their_period_is_over_and_certificates_stay(founded: Founded) -> None:
    later = NOW + timedelta(days=60)
    with founded.open(later) as authority:
        store = authority._store
        over = [item for item in store.certificates("signer") if item.issue_until <= later]
        assert len(over) == 1
        before = store.key_ids()
        assert authority.top_up(later, report_nothing).erased_keys == 1
        assert before - store.key_ids() == {over[0].id}
        assert over[0] in store.certificates("signer")
        entry = next(entry for entry in store.entries() if entry.act == "erase")
        assert entry.detail == {"keys": [over[0].id]}
        with pytest.raises(StateDamagedError):
            next(store.keys([over[0].id]))
        assert authority.top_up(later, report_nothing).erased_keys == 0


def test_a_key_that_was_revoked_elsewhere_is_erased(founded: Founded) -> None:
    with founded.open_store() as store:
        signer = store.certificates("signer")[1]
        with store.transaction():  # as a restored store may have it: revoked, its key still there
            store.revoke(signer.id, NOW, "superseded")
            journal.append(store, "revoke", {}, NOW)
        assert top_up(store, make_policy(), NOW, report_nothing).erased_keys == 1
        assert signer.id not in store.key_ids()


def test_keys_of_roots_and_seals_are_never_erased(founded: Founded) -> None:
    with founded.open_store() as store:
        kept = {item.id for item in store.certificates() if item.kind != "signer"}
        top_up(store, make_policy(), NOW + timedelta(days=4000), report_nothing)
        assert kept <= store.key_ids()


def test_a_live_root_whose_seal_was_revoked_gets_another(founded: Founded) -> None:
    with founded.open() as authority:
        store = authority._store
        first, second = store.certificates("seal")
        authority.revoke(first.id, "keyCompromise", NOW)
        authority.revoke(second.issuer, "superseded", NOW)
        authority.top_up(NOW, report_nothing)
        fresh = [item for item in store.certificates("seal") if item not in (first, second)]
        assert first.issuer in {item.issuer for item in fresh}
        assert second.issuer not in {item.issuer for item in fresh}
        head = store.last_entry()
        authority.top_up(NOW, report_nothing)
        assert store.last_entry() == head
        written = authority.write_archive(
            "egress", "main-kudo", io.BytesIO(), NOW, report_nothing, public=False
        )
        assert written.size_bytes > 0


def test_after_a_root_is_revoked_its_signers_are_issued_anew_under_another(founded: Founded) -> None:
    with founded.open() as authority:
        store = authority._store
        root = store.certificates("root")[0]
        lost = [item for item in store.certificates("signer") if item.issuer == root.id]
        authority.revoke(root.id, "cACompromise", NOW)
        made = authority.top_up(NOW, report_nothing)
        assert (made.roots, made.signers) == (1, len(lost))
        fresh = store.certificates("signer")[-len(lost) :]
        assert root.id not in {item.issuer for item in fresh}
        assert [(item.lane, item.period) for item in fresh] == [(item.lane, item.period) for item in lost]


def test_only_a_root_is_loaded_to_sign(founded: Founded) -> None:
    with founded.open_store() as store:
        root, seal = store.certificates("root")[0], store.certificates("seal")[0]
        assert load_root(store, root).certificate == root
        with pytest.raises(IssueError):
            load_root(store, seal)
        with store.transaction():
            store.erase_keys([root.id])
            journal.append(store, "erase", {}, NOW)
        with pytest.raises(CaError) as raised:
            load_root(store, root)
        assert raised.value.code == "E-STATE-DAMAGED"
