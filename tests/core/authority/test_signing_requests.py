"""Signing requests on a real store: approved, signed as shown, exported without a key, restored, judged."""

import json
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, load_pem_private_key

from core.api import results
from core.api.csr_files import MAX_REQUESTS, RequestFile
from core.authority.authority import Authority
from core.crypto.keys import KEY_ALGORITHMS, decode_key, make_key
from core.errors import StoppedError
from core.plan.gaps import find_gaps
from core.progress import Progress, Report, report_nothing
from core.receive.opening import open_archive
from core.recovery.drill import drill
from core.recovery.restore import restore
from core.store import journal
from core.store.store import open_store
from tests.authorities import COST, NOW, Founded, found, refusal
from tests.authority_store import PASSPHRASE
from tests.judges import instants, openssl_accepts
from tests.signing_requests import OPENSSL_KEYS, make_file, make_request, make_with_openssl, visitors

DAY = timedelta(days=1)
PERIODS = ["2027.1", "2027.2", "2027.3"]


@pytest.fixture(scope="module")
def once(tmp_path_factory: pytest.TempPathFactory) -> Founded:
    """An authority with a target that takes requests; topped up, so its roots are there."""
    return found(tmp_path_factory.mktemp("requests") / "state", signers=visitors())


@pytest.fixture
def box(once: Founded, tmp_path: Path) -> Founded:
    return once.copy(tmp_path / "state")


def files_of(count: int) -> tuple[RequestFile, ...]:
    return tuple(make_file(f"services.visitor.{number}.csr") for number in range(1, count + 1))


def approve(authority: Authority, files: Sequence[RequestFile], now: Any = NOW) -> tuple[str, ...]:
    """Return the approvals of all that may be signed."""
    proposal = authority.propose_requests(files, now)
    return tuple(item.approval for item in proposal.requests if item.approval)


def sign(authority: Authority, files: Sequence[RequestFile], now: Any = NOW) -> results.RequestsSigned:
    return authority.sign_requests(files, approve(authority, files, now), now, report_nothing)


def acts(authority: Authority) -> list[str]:
    return [entry.act for entry in authority.entries()]


def test_a_proposal_shows_all_and_changes_nothing(box: Founded) -> None:
    file = make_file(data=make_request(make_key("ed25519"), "gate\n7"))
    with box.open() as authority:
        head = acts(authority)
        (shown,) = authority.propose_requests([file], NOW).requests
        assert acts(authority) == head
    assert (shown.class_name, shown.target, shown.algorithm) == ("services", "visitor", "ed25519")
    assert shown.subject == "CN=gate\\x0a7"
    assert len(shown.key_sha256) == len(shown.approval) == 64
    assert len(shown.words) == 12
    assert (shown.code, shown.served) == ("", False)


def test_approved_requests_take_their_lanes_and_no_key_is_kept(box: Founded) -> None:
    files = files_of(3)
    with box.open() as authority:
        told = sign(authority, files)
        store = authority._store
        made = [item for item in store.certificates("signer") if item.target == "visitor"]
        assert [item.period for item in made] == [item.period for item in told.signed] == PERIODS
        assert [item.file for item in told.signed] == [file.name for file in files]
        assert not {item.id for item in made} & store.key_ids()
        assert find_gaps(authority.policy, store.certificates(), NOW).requests == ()
        for item, file in zip(made, files, strict=True):
            ((_, der),) = store.ders([item.id])
            asked = x509.load_der_x509_csr(file.data)
            assert x509.load_der_x509_certificate(der).public_key() == asked.public_key()


def test_only_the_key_of_a_request_gets_into_its_certificate(box: Founded, tmp_path: Path) -> None:
    """The request asks for a path length and another key usage: the policy decides all but the key."""
    file = make_file(data=make_with_openssl(tmp_path, "ed25519"))
    with box.open() as authority:
        (told,) = sign(authority, [file]).signed
        ders = dict(authority._store.ders([item.id for item in authority.certificates()]))
        others = [item for item in authority.certificates() if item.target == "mongo"]
        mine, theirs = (
            x509.load_der_x509_certificate(ders[each]) for each in (told.certificate, others[0].id)
        )
    assert [item.value for item in mine.subject][-2:] == ["services/visitor 2027.1/1", told.certificate]
    assert "gate 7" not in mine.subject.rfc4514_string()
    key_id = x509.SubjectKeyIdentifier
    assert [item for item in mine.extensions if not isinstance(item.value, key_id)] == [
        item for item in theirs.extensions if not isinstance(item.value, key_id)
    ]


def test_the_journal_says_what_was_signed_for_whom_in_one_entry(box: Founded) -> None:
    files = files_of(2)
    with box.open() as authority:
        before = acts(authority)
        told = sign(authority, files)
        assert acts(authority) == [*before, "issue"]
        detail = list(authority.entries())[-1].detail
        journal.verify(authority._store)
    assert [each for each, _ in detail["certificates"]] == [item.certificate for item in told.signed]
    assert [item["file"] for item in detail["requests"]] == [file.name for file in files]
    assert {*detail["requests"][0]} == {"file", "sha256", "key", "subject"}


def test_roots_that_are_missing_are_issued_first(tmp_path: Path) -> None:
    box = found(tmp_path / "state", signers=visitors(), top_up=False)
    with box.open() as authority:
        told = sign(authority, files_of(1))
        assert (told.roots, told.late_roots, len(told.signed)) == (2, 1, 1)
        assert [item.kind for item in authority.certificates()] == ["root", "seal", "root", "seal", "signer"]
        topped = authority.top_up(NOW, report_nothing)
        assert (topped.roots, topped.signers) == (0, 3)


def test_what_was_not_shown_is_not_signed(box: Founded) -> None:
    one, two, three = files_of(3)
    with box.open() as authority:
        approvals = approve(authority, (one, two))
        head = acts(authority)
        altered = RequestFile(name=one.name, data=three.data)
        renamed = RequestFile(name=three.name, data=one.data)
        for files, approved in (
            ((altered, two), approvals),
            ((renamed, two), approvals),
            ((one, two, three), approvals),
            ((one,), approvals),
            ((one, two), approvals[:1]),
            ((one, two), ()),
            ((), approvals),
            ((one,), ("",)),
        ):
            assert (
                refusal(authority.sign_requests, files, approved, NOW, report_nothing) == "E-REQUEST-CHANGED"
            )
        assert acts(authority) == head
        assert authority.sign_requests((), (), NOW, report_nothing).signed == ()
        assert acts(authority) == head


def test_a_request_that_became_unsignable_after_it_was_shown_is_refused_by_its_own_code(box: Founded) -> None:
    """Two sticks: what the second one brought was shown before the first one's was signed."""
    many, late = files_of(3), make_file()
    with box.open() as authority:
        approvals = approve(authority, [late])
        sign(authority, many)
        assert refusal(authority.sign_requests, [late], approvals, NOW, report_nothing) == "E-REQUEST-GAP"


def test_signing_once_more_what_was_signed_is_no_error_and_signs_nothing(box: Founded) -> None:
    files = files_of(2)
    with box.open() as authority:
        approvals = approve(authority, files)
        authority.sign_requests(files, approvals, NOW, report_nothing)
        head = acts(authority)
        assert authority.sign_requests(files, approvals, NOW, report_nothing).signed == ()
        assert acts(authority) == head
        shown = authority.propose_requests(files, NOW).requests
        assert [(item.served, item.approval, item.code) for item in shown] == [(True, "", "")] * 2


def own_key_of(authority: Authority, kind: str) -> bytes:
    item = next(item for item in authority.certificates() if item.kind == kind)
    ((_, key),) = authority._store.keys([item.id])
    return key


@pytest.mark.parametrize("kind", ["root", "seal", "signer"])
def test_the_boxs_own_keys_are_refused(box: Founded, kind: str) -> None:
    with box.open() as authority:
        key = decode_key(own_key_of(authority, kind))
        (shown,) = authority.propose_requests([make_file(data=make_request(key))], NOW).requests
    assert (shown.code, shown.approval) == ("E-REQUEST-USED", "")


def test_a_key_is_never_certified_twice_even_after_revocation_or_its_time(box: Founded) -> None:
    (file,) = files_of(1)
    later = NOW + 60 * DAY
    with box.open() as authority:
        (told,) = sign(authority, [file]).signed
        assert authority.propose_requests([file], NOW).requests[0].served
        assert authority.propose_requests([file], later).requests[0].code == "E-REQUEST-USED"
        authority.revoke(told.certificate, "keyCompromise", NOW)
        assert authority.propose_requests([file], NOW).requests[0].code == "E-REQUEST-USED"
        # The hole is open again, for another key.
        assert [item.period for item in sign(authority, files_of(1)).signed] == ["2027.1"]


def test_what_a_revoked_root_signed_is_asked_for_again(box: Founded) -> None:
    files = files_of(3)
    with box.open() as authority:
        sign(authority, files)
        root = next(item for item in authority.certificates() if item.kind == "root")
        authority.revoke(root.id, "cACompromise", NOW)
        assert {item.code for item in authority.propose_requests(files, NOW).requests} == {"E-REQUEST-USED"}
        authority.top_up(NOW, report_nothing)
        assert [item.period for item in sign(authority, files_of(3)).signed] == PERIODS


def test_too_many_requests_at_once_are_refused(box: Founded) -> None:
    files = [make_file(f"services.visitor.{n}.csr", b"") for n in range(MAX_REQUESTS + 1)]
    with box.open() as authority:
        assert refusal(authority.propose_requests, files, NOW) == "E-REQUEST-MANY"
        assert len(authority.propose_requests(files[1:], NOW).requests) == MAX_REQUESTS


def test_a_clock_that_is_not_believed_shows_and_signs_nothing(box: Founded) -> None:
    files, behind = files_of(1), NOW - DAY
    with box.open() as authority:
        approvals = approve(authority, files)
        assert refusal(authority.propose_requests, files, behind) == "E-CLOCK-BEHIND"
        assert refusal(authority.sign_requests, files, approvals, behind, report_nothing) == "E-CLOCK-BEHIND"


def stop_at(place: int) -> Report:
    def report(progress: Progress) -> None:
        if progress.done == place and progress.what == "request":
            raise StoppedError

    return report


@pytest.mark.parametrize("place", [0, 1])
def test_a_stop_signs_all_or_none(box: Founded, place: int) -> None:
    files = files_of(2)
    with box.open() as authority:
        before = authority.certificates()
        with pytest.raises(StoppedError):
            authority.sign_requests(files, approve(authority, files), NOW, stop_at(place))
        assert authority.certificates() == before
        assert len(sign(authority, files).signed) == 2


def test_status_and_visits_count_such_a_lane_from_its_first_signer_on(box: Founded) -> None:
    with box.open() as authority:
        before = authority.status(NOW)
        sign(authority, files_of(1))
        after = authority.status(NOW)
        cover = next(item for item in after.covers if item.target == "visitor")
        assert f"{cover.until:%Y-%m-%d}" == "2027-04-01"
        # Thirty days before the lane runs dry somebody must come, with two more requests.
        assert (f"{before.next_visit_by:%Y-%m-%d}", f"{after.next_visit_by:%Y-%m-%d}") == (
            "2027-08-09",
            "2027-03-02",
        )
        assert [(item.path, item.gaps) for item in before.requests] == [("services/visitor", 3)]
        assert [(item.path, item.gaps) for item in after.requests] == [("services/visitor", 2)]
        sign(authority, files_of(2))
        assert authority.status(NOW).requests == ()


def deliver(authority: Authority, kind: str, name: str, out: Path, now: Any = NOW) -> results.ArchiveWritten:
    with out.open("wb") as file:
        return authority.write_archive(kind, name, file, now, report_nothing, public=True)


def test_an_egress_carries_the_certificate_and_no_key_and_the_receiver_takes_it(
    box: Founded, tmp_path: Path
) -> None:
    with box.open() as authority:
        (told,) = sign(authority, files_of(1)).signed
        written = deliver(authority, "egress", "main-kudo", tmp_path / "a.tar.age")
        assert b"made there" in b"".join(item.data for item in written.companions)
    received = open_archive(tmp_path / "a.tar.age", [box.identity], (), tmp_path / "out", lambda _: True, NOW)
    assert received.folder is not None
    path = received.folder / "signers" / "services" / "visitor" / f"{told.certificate}.pem"
    assert len(x509.load_pem_x509_certificates(path.read_bytes())) == 2
    assert not (received.folder / "keys" / f"{told.certificate}.pem").exists()
    assert received.key_count == 3  # mongo's
    manifest = json.loads((received.folder / "manifest.json").read_bytes())
    (entry,) = [item for item in manifest["certificates"] if item["target"] == "visitor"]
    assert "key_file" not in entry
    assert (entry["lane"], entry["period"], entry["status"]) == (1, "2027.1", "active")


def test_a_backup_a_drill_and_a_restore_go_on_without_that_key(box: Founded, tmp_path: Path) -> None:
    files = files_of(2)
    with box.open() as authority:
        sign(authority, files)
        deliver(authority, "backup", "main-backup", tmp_path / "b.tar.age")
        issued = authority.certificates()
        keys = authority._store.key_ids()
    archive, options = tmp_path / "b.tar.age", {"report": report_nothing}
    proven = drill(archive, [box.identity], (), lambda _: True, NOW, **options)
    assert len(proven.words) == 6
    state, later = tmp_path / "restored", NOW + timedelta(hours=1)
    given: dict[str, Any] = {"state": state, "passphrase": PASSPHRASE, "cost": COST, "now": later}
    restore(archive, [box.identity], (), lambda _: True, **given, **options)
    with open_store(state, PASSPHRASE) as store:
        assert (store.certificates(), store.key_ids()) == (issued, keys)
        journal.verify(store)
        renewed = Authority(store, later, "boot")
        renewed.correct_clock(later)
        assert [item.served for item in renewed.propose_requests(files, later).requests] == [True, True]
        assert [item.period for item in sign(renewed, files_of(1), later).signed] == ["2027.3"]


@pytest.mark.parametrize("algorithm", OPENSSL_KEYS)
def test_openssl_accepts_what_was_signed_for_its_own_request(algorithm: str, tmp_path: Path) -> None:
    """The whole way of a requester who has OpenSSL: key, request, certificate, and a chain with that key."""
    box = found(tmp_path / "state", algorithm=algorithm, signers=visitors(path_length=0))
    file = make_file(data=make_with_openssl(tmp_path, algorithm))
    with box.open() as authority:
        (told,) = sign(authority, [file]).signed
        ders = dict(authority._store.ders([item.id for item in authority.certificates()]))
        record = next(item for item in authority.certificates() if item.id == told.certificate)
    signer = x509.load_der_x509_certificate(ders[told.certificate])
    key = load_pem_private_key((tmp_path / "request.key").read_bytes(), None)
    assert signer.public_key() == key.public_key()
    for name, der in (("root", ders[record.issuer]), ("signer", ders[record.id])):
        pem = x509.load_der_x509_certificate(der).public_bytes(Encoding.PEM)
        (tmp_path / f"{name}.pem").write_bytes(pem)
    for at, valid in instants(record.not_before, record.not_after):
        assert openssl_accepts(tmp_path / "root.pem", tmp_path / "signer.pem", at) == valid


@pytest.mark.parametrize("algorithm", [name for name in KEY_ALGORITHMS if name.startswith("mldsa")])
def test_post_quantum_requests_are_signed(algorithm: str, tmp_path: Path) -> None:
    box = found(tmp_path / "state", algorithm=algorithm, signers=visitors())
    with box.open() as authority:
        (told,) = sign(authority, [make_file(data=make_request(make_key(algorithm)))]).signed
        record = next(item for item in authority.certificates() if item.id == told.certificate)
        ders = dict(authority._store.ders([record.id, record.issuer]))
    root, signer = (x509.load_der_x509_certificate(ders[each]) for each in (record.issuer, record.id))
    signer.verify_directly_issued_by(root)


@pytest.mark.parametrize("data", [b"", b"\x30", b"-----BEGIN CERTIFICATE REQUEST-----", bytes(40_000)])
def test_garbage_is_told_and_does_not_hinder_a_good_request(box: Founded, data: bytes) -> None:
    files = (make_file("services.visitor.0.csr", data), *files_of(1))
    with box.open() as authority:
        shown = authority.propose_requests(files, NOW).requests
        assert [item.code for item in shown] == ["E-REQUEST", ""]
        assert [bool(item.approval) for item in shown] == [False, True]
        assert refusal(authority.sign_requests, files, (shown[1].approval,), NOW, report_nothing)
        assert len(authority.sign_requests(files[1:], (shown[1].approval,), NOW, report_nothing).signed) == 1
