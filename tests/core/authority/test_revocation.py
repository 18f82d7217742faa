"""Revoking: what is refused, what is journaled, whose key goes."""

from collections.abc import Callable

import pytest

from core.authority.revocation import revoke, revoke_all
from core.errors import PolicyError
from core.issue.crl import REASONS
from core.plan.gaps import find_gaps
from core.store import journal
from core.store.store import Store
from tests.authorities import NOW, Founded
from tests.builders import make_policy


def revoke_one(store: Store, certificate_id: str, reason: str = "superseded") -> None:
    with store.transaction():
        revoke(store, certificate_id, reason, NOW)


@pytest.mark.parametrize("kind", ["root", "signer", "seal"])
def test_what_is_revoked_is_marked_and_journaled(founded: Founded, kind: str) -> None:
    with founded.open_store() as store:
        item = next(item for item in store.certificates() if item.kind == kind)
        revoke_one(store, item.id, "keyCompromise")
        after = next(found for found in store.certificates() if found.id == item.id)
        assert (after.revoked_at, after.reason, after.status(NOW)) == (NOW, "keyCompromise", "revoked")
        entry = store.last_entry()
        assert entry is not None
        assert entry.act == "revoke"
        assert entry.detail == {"id": item.id, "kind": kind, "reason": "keyCompromise"}
        # A root still has to sign its lists.
        assert (item.id in store.key_ids()) is (kind == "root")
        journal.verify(store)


@pytest.mark.parametrize("reason", sorted(REASONS))
def test_every_reason_of_the_list_will_do(founded: Founded, reason: str) -> None:
    with founded.open_store() as store:
        revoke_one(store, store.certificates("signer")[0].id, reason)
        assert store.certificates("signer")[0].reason == reason


def test_a_hole_in_the_plan_is_what_a_revoked_signer_leaves(founded: Founded) -> None:
    with founded.open_store() as store:
        signer = store.certificates("signer")[1]
        revoke_one(store, signer.id)
        (gap,) = find_gaps(make_policy(), store.certificates(), NOW).gaps
    assert (gap.period, gap.issue_from, gap.lane) == (signer.period, signer.issue_from, signer.lane)


def test_several_are_revoked_together_each_with_its_entry(founded: Founded) -> None:
    with founded.open_store() as store:
        ids = [item.id for item in store.certificates() if item.kind != "seal"]
        with store.transaction():
            revoked = revoke_all(store, ids, "superseded", NOW)
        assert [item.id for item in revoked] == ids
        assert all(item.revoked_at == NOW for item in store.certificates() if item.id in ids)
        entries = [entry.detail["id"] for entry in store.entries() if entry.act == "revoke"]
        assert entries == ids
        journal.verify(store)


@pytest.mark.parametrize("spoil", [lambda ids: [*ids, "nobody"], lambda ids: [*ids, ids[0]]])
def test_of_several_all_are_revoked_or_none(
    founded: Founded, spoil: Callable[[list[str]], list[str]]
) -> None:
    with founded.open() as authority:
        ids = [item.id for item in authority.certificates()]
        with pytest.raises(PolicyError):
            authority.revoke_all(tuple(spoil(ids)), "superseded", NOW)
        assert not any(item.revoked_at for item in authority.certificates())
        authority.revoke(ids[-1], "superseded", NOW)
        with pytest.raises(PolicyError, match="is revoked since"):
            authority.revoke_all(tuple(ids), "superseded", NOW)
        assert sum(item.revoked_at is not None for item in authority.certificates()) == 1


@pytest.mark.parametrize("reason", ["", "certificateHold", "removeFromCRL", "Superseded"])
def test_another_reason_is_refused(founded: Founded, reason: str) -> None:
    with founded.open_store() as store:
        head = store.last_entry()
        with pytest.raises(PolicyError, match="no reason to revoke"):
            revoke_one(store, store.certificates()[0].id, reason)
        assert store.last_entry() == head


def test_an_unknown_certificate_is_refused(founded: Founded) -> None:
    with founded.open_store() as store, pytest.raises(PolicyError, match="no certificate"):
        revoke_one(store, "00000000-0000-4000-8000-000000000000")


def test_it_is_revoked_only_once(founded: Founded) -> None:
    with founded.open_store() as store:
        signer = store.certificates("signer")[0]
        revoke_one(store, signer.id)
        with pytest.raises(PolicyError, match="revoked since 2027-02-10"):
            revoke_one(store, signer.id, "keyCompromise")
        assert store.certificates("signer")[0].reason == "superseded"
