"""A delivery: one transaction from fresh lists to the journal entry, or nothing at all."""

import hashlib
import io
from datetime import timedelta
from typing import Any

import pytest
from cryptography import x509

from core.api.results import ArchiveWritten
from core.authority.authority import Authority
from core.authority.revocation import refresh_crls, revoke
from core.certificate import Certificate
from core.errors import PolicyError, StoppedError
from core.policy.policy import Policy, decode_policy
from core.progress import Progress, Report, report_nothing
from core.store import journal
from core.store.store import Store
from tests.authorities import NOW, Founded

SECOND = timedelta(seconds=1)


def policy_of(store: Store) -> Policy:
    return decode_policy((store.fact("policy") or "").encode())


def write(store: Store, kind: Any = "egress", now: Any = NOW, **given: Any) -> tuple[ArchiveWritten, bytes]:
    out = io.BytesIO()
    name = {"egress": "main-kudo", "backup": "main-backup"}[kind]
    options: dict[str, Any] = {"public": True, "report": report_nothing} | given
    return Authority(store, now, "boot").write_archive(kind, name, out, now, **options), out.getvalue()


def write_seen(store: Store, now: Any = NOW) -> ArchiveWritten:
    """Write an egress and see it where it was to go."""
    written, _ = write(store, now=now)
    Authority(store, now, "boot").confirm_written("egress", written.name, written.sequence, "PISM-ALL", now)
    return written


def firsts(store: Store) -> tuple[Certificate, Certificate]:
    """Return the first root and the first signer."""
    return store.certificates("root")[0], store.certificates("signer")[0]


def revoked_serials(store: Store) -> dict[str, list[int]]:
    return {crl.issuer: [entry.serial_number for entry in _parse(crl.der)] for crl in store.crls()}


def _parse(der: bytes) -> x509.CertificateRevocationList:
    return x509.load_der_x509_crl(der)


@pytest.mark.parametrize(("kind", "act"), [("egress", "export"), ("backup", "backup")])
def test_an_archive_is_recorded_and_journaled_by_its_hashes(founded: Founded, kind: str, act: str) -> None:
    with founded.open_store() as store:
        written, data = write(store, kind)
        assert written.sha256 == hashlib.sha256(data).hexdigest()
        assert (written.size_bytes, written.sequence) == (len(data), 1)
        entry = store.last_entry()
        assert entry is not None
        (archive,) = store.archives()
        assert entry.act == act
        assert entry.detail == {
            "name": written.name,
            "sequence": 1,
            "manifest": archive.manifest_sha256,
            "archive": written.sha256,
        }
        assert (archive.kind, archive.name, archive.sequence, archive.created) == (
            kind,
            written.name,
            1,
            NOW,
        )
        assert archive.written_at is None
        journal.verify(store)


def test_numbers_rise_by_one_for_each_kind_and_name(founded: Founded) -> None:
    with founded.open_store() as store:
        numbers = [write(store, kind)[0].sequence for kind in ("egress", "backup", "egress", "egress")]
    assert numbers == [1, 1, 2, 3]


@pytest.mark.parametrize("public", [True, False])
def test_the_receipt_comes_last_and_what_is_hosted_only_where_it_is_asked_for(
    founded: Founded, *, public: bool
) -> None:
    with founded.open_store() as store:
        paths = [item.path for item in write(store, public=public)[0].companions]
    assert paths[-1] == "pism-receipt-main-kudo-000001.json"
    assert ("public/roots.pem" in paths) is public
    assert ("next-visit.ics" in paths) is public


def test_every_archive_brings_fresh_lists_of_every_root(founded: Founded) -> None:
    with founded.open_store() as store:
        before = {crl.issuer: crl.number for crl in store.crls()}
        write(store)
        same = {crl.issuer: crl.number for crl in store.crls()}
        later = NOW + timedelta(days=1)
        write(store, now=later)
        after = {crl.issuer: crl for crl in store.crls()}
    assert set(before) == set(same) == set(after)
    assert all(same[each] == before[each] + 1 for each in before)  # within one second, too
    assert {crl.number for crl in after.values()} == {int(later.timestamp())}
    assert {crl.this_update for crl in after.values()} == {later}


def test_a_list_names_what_its_own_root_revoked_and_a_revoked_root_goes_on(founded: Founded) -> None:
    with founded.open_store() as store:
        root = store.certificates("root")[0]
        signer = next(item for item in store.certificates("signer") if item.issuer == root.id)
        with store.transaction():
            revoke(store, signer.id, "keyCompromise", NOW)
            revoke(store, root.id, "cACompromise", NOW)
        write(store)
        serials = revoked_serials(store)
    assert sorted(serials.pop(root.id)) == sorted([signer.serial, root.serial])
    assert set(map(tuple, serials.values())) == {()}


def test_an_archive_says_what_was_revoked_since_the_one_before_and_which_roots_are_late(
    founded: Founded,
) -> None:
    later = NOW + timedelta(days=30)
    with founded.open_store() as store:
        first, root, signer = write_seen(store), *firsts(store)
        authority = Authority(store, later, "boot")
        authority.revoke(signer.id, "superseded", later)
        second = write_seen(store, later)
        authority.revoke(root.id, "cACompromise", later)
        authority.top_up(later, report_nothing)
        third = write_seen(store, later + SECOND)
        fourth = write_seen(store, later + SECOND * 2)
    told = [(each.late_roots, each.revoked, each.revoked_roots) for each in (first, second, third, fourth)]
    assert told == [(1, 0, 0), (0, 1, 0), (1, 1, 1), (0, 0, 0)]


def test_what_an_archive_was_to_say_is_said_by_the_next_one_where_it_was_cut_off(founded: Founded) -> None:
    later = NOW + timedelta(days=30)
    with founded.open_store() as store:
        cut, _ = write(store)
        first = write_seen(store)
        root, signer = firsts(store)
        authority = Authority(store, later, "boot")
        authority.revoke(signer.id, "superseded", later)
        authority.revoke(root.id, "cACompromise", later)
        authority.top_up(later, report_nothing)
        lost = [write(store, now=later + SECOND * number)[0] for number in range(2)]
        then = write_seen(store, later + SECOND * 2)
        after = write_seen(store, later + SECOND * 3)
    told = [
        (each.unseen, each.late_roots, each.revoked, each.revoked_roots)
        for each in (cut, first, *lost, then, after)
    ]
    assert told == [
        ((), 1, 0, 0),
        ((1,), 1, 0, 0),
        ((), 1, 1, 1),
        ((3,), 1, 1, 1),
        ((3, 4), 1, 1, 1),
        ((), 0, 0, 0),
    ]
    assert cut.new == first.new > 0
    assert then.new > 0
    assert after.new == 0


def test_a_name_that_is_new_among_others_calls_no_root_late(founded: Founded) -> None:
    with founded.open_store() as store:
        assert write_seen(store).late_roots == 1
        assert write(store, "backup")[0].late_roots == 0


def test_a_list_never_names_a_date_that_is_still_to_come(founded: Founded) -> None:
    with founded.open_store() as store:
        signer = store.certificates("signer")[0]
        with store.transaction():
            revoke(store, signer.id, "superseded", NOW + timedelta(days=700))
            refresh_crls(store, policy_of(store), NOW)
            journal.append(store, "test", {}, NOW + timedelta(days=700))
        (crl,) = [_parse(crl.der) for crl in store.crls() if crl.issuer == signer.issuer]
    (entry,) = crl
    assert entry.revocation_date_utc == NOW


def test_a_root_that_has_ended_signs_no_more_lists(founded: Founded) -> None:
    with founded.open_store() as store:
        first, second = store.certificates("root")
        with store.transaction():
            refresh_crls(store, policy_of(store), first.not_after)
            journal.append(store, "test", {}, NOW)
        updates = {crl.issuer: crl.this_update for crl in store.crls()}
    assert updates == {first.id: NOW, second.id: first.not_after}


def _stop(progress: Progress) -> None:
    if progress.done:
        raise StoppedError


def _fail(progress: Progress) -> None:
    raise ZeroDivisionError


@pytest.mark.parametrize(("progress", "error"), [(_stop, StoppedError), (_fail, ZeroDivisionError)])
def test_whatever_ends_it_undoes_it_whole(founded: Founded, progress: Report, error: type[Exception]) -> None:
    with founded.open_store() as store:
        before = (store.last_entry(), store.crls(), store.archives(), store.sequences())
        with pytest.raises(error):
            write(store, report=progress)
        assert (store.last_entry(), store.crls(), store.archives(), store.sequences()) == before
        journal.verify(store)
        assert write(store)[0].sequence == 1


def test_there_are_egresses_and_backups_and_nothing_else(founded: Founded) -> None:
    with founded.open() as authority, pytest.raises(PolicyError):
        authority.write_archive("Egress", "main-kudo", io.BytesIO(), NOW, report_nothing, public=True)
