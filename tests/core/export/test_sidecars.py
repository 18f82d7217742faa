"""The sidecars of an archive of a real store: receipt, report, calendar, public/."""

import hashlib
import json
import re
import subprocess
from base64 import b64encode
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import msgspec
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from core.api.results import Runs
from core.archive.contents import keep_seen
from core.archive.manifest import make_entry
from core.authority.top_up import top_up
from core.crypto.recipients import fingerprint_words
from core.errors import ArchiveFormatError, ArchiveSealError
from core.export.archives import Written
from core.export.receipt import MAX_RECEIPT_BYTES, TrustedRoot, verify_receipt
from core.export.report import make_report
from core.export.sidecars import Sidecar, make_sidecars, published_names
from core.policy.policy import Policy
from core.policy.settings import AuthorityName, SignerSettings, Target, Urls
from core.progress import report_nothing
from core.store import journal
from core.store.store import Store
from tests.authority_store import export, make_store, make_written
from tests.builders import make_policy, utc

NOW = utc("2027-01-15T10:00")
LATER = NOW + timedelta(days=120)
EVIL = 'Wörlds & <script>alert("1")</script>'


@dataclass(frozen=True, kw_only=True)
class Exported:
    """A store, what was sent from it at two times, and the sidecars of each."""

    store: Store
    policy: Policy
    written: tuple[Written, Written, Written]
    sidecars: tuple[dict[str, bytes], ...]

    @property
    def roots(self) -> dict[str, TrustedRoot]:
        ids = [root.id for root in self.store.certificates("root")]
        return {
            each: TrustedRoot(certificate=x509.load_der_x509_certificate(der))
            for each, der in self.store.ders(ids)
        }


@pytest.fixture(scope="module")
def sent(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Exported]:
    targets = {"mongo": Target(quantum=0.25, load=3), "own": Target(quantum=1, own_key=True)}
    policy = make_policy(
        authority=AuthorityName(
            name=EVIL, id="c5ce9b8a-3cf1-4b50-b62c-7979d7d0edd7", domain="worlds.example"
        ),
        signers=SignerSettings(lead_time=0.5, classes={"services": targets}),
    )
    only_mongo = msgspec.structs.replace(
        policy, signers=SignerSettings(lead_time=0.5, classes={"services": {"mongo": targets["mongo"]}})
    )
    with make_store(tmp_path_factory.mktemp("sent") / "state", only_mongo, NOW) as store:
        first, _ = export(store, policy, "egress", "main-kudo", NOW)
        sidecars = [make_sidecars(store, policy, first)]
        with store.transaction():
            keep_seen(store, "egress", "main-kudo")
            revoked = next(item for item in store.certificates("signer") if item.issue_until > LATER)
            store.revoke(revoked.id, NOW + timedelta(days=1), "superseded")
            journal.append(store, "revoke", {}, NOW + timedelta(days=1))
        top_up(store, only_mongo, LATER, report_nothing)
        second, _ = export(store, policy, "egress", "main-kudo", LATER)
        sidecars.append(make_sidecars(store, policy, second))
        backup, _ = export(store, policy, "backup", "main-backup", LATER)
        sidecars.append(make_sidecars(store, policy, backup, public=False))
        named = tuple({item.path: item.data for item in each} for each in sidecars)
        yield Exported(store=store, policy=policy, written=(first, second, backup), sidecars=named)


def receipt_of(sidecars: dict[str, bytes]) -> bytes:
    return next(data for path, data in sidecars.items() if path.endswith(".json"))


def page_of(sidecars: dict[str, bytes]) -> str:
    return next(data for path, data in sidecars.items() if path.endswith(".html")).decode()


class Page(HTMLParser):
    """Text and tags of a page; every tag is closed in its turn."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.text: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self._open: list[str] = []
        self.feed(page)
        self.close()
        assert not self._open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in ("meta", "br"):
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self._open and self._open[-1] != "style":
            self.text.append(data.strip())

    @property
    def words(self) -> str:
        return " ".join(" ".join(self.text).split())


def files_beside(store: Store, policy: Policy, now: datetime) -> dict[str, bytes]:
    written, _ = export(store, policy, "egress", "main-kudo", now)
    return {each.path: each.data for each in make_sidecars(store, policy, written)}


def test_of_a_revoked_root_the_files_say_that_it_is(tmp_path: Path) -> None:
    policy = make_policy()
    with make_store(tmp_path / "state", policy, NOW) as store:
        first = files_beside(store, policy, NOW)
        root = store.certificates("root")[0]
        with store.transaction():
            store.revoke(root.id, NOW, "cACompromise")
            journal.append(store, "revoke", {}, NOW)
        top_up(store, policy, NOW, report_nothing)
        second = files_beside(store, policy, NOW + timedelta(days=1))
        later = root.not_after + timedelta(seconds=1)
        top_up(store, policy, later, report_nothing)
        third = files_beside(store, policy, later)
    names = {path for path in first if root.id in path and not path.endswith(".crl")}
    assert names == {f"public/root-{root.id}.pem", f"public/{root.id}.crt"}
    for name in names:
        assert b"was revoked on 2027-" in second[name]
        assert b"CERTIFICATE" not in second[name]
    assert root.id.encode() not in second["public/roots.pem"]
    assert f"public/{root.id}.crl" in second
    assert not names & third.keys()


# The receipt


@pytest.mark.parametrize("number", [0, 1, 2])
def test_a_receipt_is_verified_under_any_one_live_root(sent: Exported, number: int) -> None:
    written, data = sent.written[number], receipt_of(sent.sidecars[number])
    for each, root in sent.roots.items():
        receipt = verify_receipt(data, {each: root})
        assert receipt.archive.sha256 == written.archive_sha256
        assert receipt.archive.size == written.size_bytes
        assert receipt.archive.file == written.archive_name
        assert receipt.manifest_sha256 == written.manifest_sha256
        assert receipt.sequence == written.head.sequence


def test_a_receipt_says_what_the_archive_holds(sent: Exported) -> None:
    for written, sidecars in zip(sent.written, sent.sidecars, strict=True):
        receipt = verify_receipt(receipt_of(sidecars), sent.roots)
        contents, now = written.contents, written.head.created
        assert receipt.certificates == tuple(
            make_entry(item, contents.status(item, now), with_key=item.id in contents.key_ids)
            for item in contents.certificates
        )
        assert receipt.counts.keys == len(contents.key_ids)
        assert receipt.counts.signers == len(contents.signers)
        assert [item.fingerprint for item in receipt.recipients] == [
            item.fingerprint for item in written.recipients
        ]
        assert {item.file: item.sha256 for item in receipt.papers} == {
            path: hashlib.sha256(data).hexdigest()
            for path, data in sidecars.items()
            if not path.endswith(".json")
        }


def test_a_receipt_is_written_last_and_named_after_its_archive(sent: Exported) -> None:
    assert [list(sidecars)[-1] for sidecars in sent.sidecars] == [
        "pism-receipt-main-kudo-000001.json",
        "pism-receipt-main-kudo-000002.json",
        "pism-receipt-main-backup-000001.json",
    ]


def test_a_receipt_says_what_changed(sent: Exported) -> None:
    first, second, _ = (verify_receipt(receipt_of(sidecars), sent.roots) for sidecars in sent.sidecars)
    assert first.changed.since is None
    old = {entry.id for entry in first.certificates}
    new = {entry.id for entry in second.certificates if entry.kind != "seal"}
    assert second.changed.since == NOW
    assert set(second.changed.issued) == new - old
    (revoked,) = second.changed.revoked
    assert next(entry.status for entry in second.certificates if entry.id == revoked) == "revoked"
    ended = {entry.id for entry in first.certificates if NOW < entry.issue_until <= LATER}
    assert ended
    assert set(second.changed.ended) == ended


def test_no_sidecar_holds_a_key(sent: Exported) -> None:
    keys = dict(sent.store.keys(sent.store.key_ids()))
    for sidecars in sent.sidecars:
        for data in sidecars.values():
            assert b"PRIVATE KEY" not in data
            for key in keys.values():
                raw = key[16:]
                assert not any(form in data for form in (raw, raw.hex().encode()))


@pytest.mark.parametrize("place", [0, 20, 500, -4, -50, -900])
def test_refuses_a_receipt_with_a_changed_byte(sent: Exported, place: int) -> None:
    data = bytearray(receipt_of(sent.sidecars[0]))
    last = json.loads(data)["seals"][-1]["root"]
    data[place] ^= 1
    with pytest.raises((ArchiveSealError, ArchiveFormatError)):
        verify_receipt(bytes(data), {last: sent.roots[last]})


def change(data: bytes, **fields: object) -> bytes:
    """Return a receipt that says something else and is canonical again."""
    envelope = json.loads(data)
    envelope["receipt"].update(fields)
    return msgspec.json.encode(envelope, order="sorted")


def test_refuses_a_receipt_that_says_something_else(sent: Exported) -> None:
    data = receipt_of(sent.sidecars[0])
    assert change(data) == data
    with pytest.raises(ArchiveSealError, match="signature"):
        verify_receipt(change(data, sequence=9), sent.roots)


def test_refuses_a_receipt_without_a_trusted_root(sent: Exported) -> None:
    with pytest.raises(ArchiveSealError, match="trusted root"):
        verify_receipt(receipt_of(sent.sidecars[0]), {})


def test_refuses_a_receipt_whose_seals_are_revoked(sent: Exported) -> None:
    serials = frozenset(item.serial for item in sent.store.certificates("seal"))
    roots = {
        each: TrustedRoot(certificate=root.certificate, revoked_serials=serials)
        for each, root in sent.roots.items()
    }
    with pytest.raises(ArchiveSealError, match="revoked"):
        verify_receipt(receipt_of(sent.sidecars[0]), roots)


@pytest.mark.parametrize(
    "make",
    [
        lambda data: data[:0],
        lambda data: data + b"\n",
        lambda data: data.replace(b'"receipt":', b'"receipt": ', 1),
        lambda data: re.sub(rb'^\{"box":"[^"]*",', b"{", data),
        lambda data: change(data, format="pism-receipt-v1"),
        lambda data: change(data, extra=1),
        lambda data: data + bytes(MAX_RECEIPT_BYTES),
    ],
)
def test_refuses_what_is_not_to_the_format(sent: Exported, make: object) -> None:
    with pytest.raises(ArchiveFormatError):
        verify_receipt(make(receipt_of(sent.sidecars[0])), sent.roots)  # type: ignore[operator]


def test_a_receipt_is_no_manifest_and_a_key_of_its_own_seals_nothing(sent: Exported) -> None:
    envelope = json.loads(receipt_of(sent.sidecars[0]))
    assert envelope["receipt"]["format"] == "pism-receipt-v2"
    forged = Ed25519PrivateKey.generate().sign(b"anything")
    envelope["seals"] = [{**envelope["seals"][0], "signature": b64encode(forged).decode()}]
    with pytest.raises(ArchiveSealError):
        verify_receipt(msgspec.json.encode(envelope, order="sorted"), sent.roots)


# The report


@pytest.mark.parametrize("number", [0, 1, 2])
def test_a_report_says_what_the_archive_is(sent: Exported, number: int) -> None:
    written = sent.written[number]
    page = Page(page_of(sent.sidecars[number]))
    head, contents = written.head, written.contents
    assert EVIL in page.words
    assert f"{head.name} {head.sequence:06}" in page.words
    assert f"{head.next_visit_by:%Y-%m-%d}" in page.words
    assert f"signers {len(contents.signers)} {len(contents.key_ids)} private keys inside" in page.words
    assert written.archive_name in page.words
    bare = page.words.replace(" ", "")
    for digest in (written.archive_sha256, written.manifest_sha256, head.journal_head):
        assert digest in bare
        assert " ".join(fingerprint_words(bytes.fromhex(digest))) in page.words
    for root in contents.roots:
        assert root.sha256 in bare
        assert " ".join(fingerprint_words(bytes.fromhex(root.sha256))) in page.words
    for recipient in written.recipients:
        assert recipient.fingerprint in page.words
        assert " ".join(recipient.words) in page.words
    assert f"pism {'drill' if head.kind == 'backup' else 'open'} {written.archive_name}" in page.words


def test_a_report_says_the_numbers_of_each_target(sent: Exported) -> None:
    written = sent.written[0]
    page = Page(page_of(sent.sidecars[0]))
    signers = len(written.contents.signers)
    until = max(item.issue_until for item in written.contents.signers)
    assert f"services/mongo 3 {signers} {signers} {signers}" in page.words
    assert f"{until:%Y-%m-%d}" in page.words
    assert "services/own 1 0 made there 0 none not now" in page.words
    assert "Periods: 2027.1 is the first quarter of 2027." in page.words
    charts = [attributes for tag, attributes in page.tags if tag == "svg"]
    assert f"services/mongo is covered until {until:%Y-%m-%d}." in str(charts[0]["aria-label"])


def test_a_report_says_what_changed(sent: Exported) -> None:
    first, second = (Page(page_of(sidecars)).words for sidecars in sent.sidecars[:2])
    changes = sent.written[1].changes
    assert "This is the first archive main-kudo" in first
    assert f"Since the archive of {NOW:%Y-%m-%d %H:%M} UTC" in second
    (revoked,) = changes.revoked
    assert f"1 signer revoked services/mongo lane {revoked.lane} {revoked.period} {revoked.id}" in second
    assert f"{len(changes.ended)} signers came to the end" in second


@pytest.mark.parametrize("number", [0, 1, 2])
def test_a_report_is_one_page_without_scripts_or_anything_from_elsewhere(sent: Exported, number: int) -> None:
    text = page_of(sent.sidecars[number])
    page = Page(text)
    tags = {tag for tag, _ in page.tags}
    assert not tags & {"script", "link", "img", "iframe", "object", "embed", "a", "form", "base"}
    for _, attributes in page.tags:
        assert not {"src", "href", "style"} & set(attributes)
        assert not [name for name in attributes if name.startswith("on")]
    assert not re.search(r"url\(|@import|https?:", text)
    assert ("html", {"lang": "en"}) in page.tags
    assert len([tag for tag, _ in page.tags if tag == "h1"]) == 1
    assert all(attributes.get("scope") for tag, attributes in page.tags if tag == "th")


def test_a_report_of_a_restored_box_says_so(sent: Exported) -> None:
    before = "99999999-2222-4333-8444-555555555555"
    written = make_written(sent.policy, sent.store.certificates(), NOW, head={"restored_from": before})
    assert f"restored from {before}" in Page(make_report(written, sent.policy).decode()).words


def test_a_report_says_what_ran_on_the_box(sent: Exported) -> None:
    runs = Runs(version="0.1.0", files="5e" * 32, board="<Pi>", serial="1000", installed="2026-11-23")
    written = make_written(sent.policy, sent.store.certificates(), NOW)
    page = Page(make_report(written, sent.policy, runs).decode()).words
    words = " ".join(fingerprint_words(bytes.fromhex(runs.files)))
    assert f"PiSM 0.1.0, installed 2026-11-23, <Pi>, no 1000; its files: {words}." in page
    silent = msgspec.structs.replace(runs, files="", board="", serial="")
    page = Page(make_report(written, sent.policy, silent).decode()).words
    assert "a board without a name, no ?; its files: not readable." in page
    assert "On the box" not in Page(make_report(written, sent.policy).decode()).words


# What is to be hosted


def test_public_holds_live_roots_and_the_lists_of_those_in_force_by_the_next_visit(sent: Exported) -> None:
    sidecars = sent.sidecars[0]
    due = sent.written[0].head.next_visit_by
    ids = {root.id for root in sent.written[0].contents.roots if root.not_before <= due}
    assert ids < {root.id for root in sent.written[0].contents.roots}
    roots = x509.load_pem_x509_certificates(sidecars["public/roots.pem"])
    assert {root.serial_number for root in roots} == {
        root.serial for root in sent.written[0].contents.roots if root.revoked_at is None
    }
    lists = {path for path in sidecars if path.endswith(".crl")}
    assert lists == {f"public/{each}.crl" for each in ids}
    for path in lists:
        x509.load_der_x509_crl(sidecars[path])
        assert path.removeprefix("public/").encode() in sidecars["public/README.txt"]
    for root in sent.written[0].contents.roots:
        assert (
            " ".join(fingerprint_words(bytes.fromhex(root.sha256))).encode() in sidecars["public/roots.pem"]
        )


def test_public_has_each_live_root_alone_in_pem_and_in_der(sent: Exported) -> None:
    sidecars = sent.sidecars[0]
    for root in sent.written[0].contents.roots:
        pem = x509.load_pem_x509_certificate(sidecars[f"public/root-{root.id}.pem"])
        assert pem == x509.load_der_x509_certificate(sidecars[f"public/{root.id}.crt"])
        assert pem.serial_number == root.serial
        assert f"{root.id}.crt".encode() in sidecars["public/README.txt"]
    assert b"keytool" in sidecars["public/README.txt"]


ROOT_ID = "03e129f0-cafa-46c7-85ae-713ba99f3832"
PLAIN = (f"{ROOT_ID}.crl", f"{ROOT_ID}.crt")


@pytest.mark.parametrize(
    ("crl", "issuer", "names"),
    [
        ("{root}.crl", "ca/{root}.cer", (f"{ROOT_ID}.crl", f"{ROOT_ID}.cer")),
        ("list-{root}.crl?a=b", None, (f"list-{ROOT_ID}.crl", f"{ROOT_ID}.crt")),
        ("{root}/the.crl", "the.crt", PLAIN),
        ("a/{root}", "b/{root}", PLAIN),  # one folder holds both
        ("{root}.crl", "ROOT-{root}.PEM", PLAIN),
        ("cn={root}", "a%20{root}", PLAIN),
    ],
)
def test_what_is_hosted_has_the_name_that_its_url_gives(crl: str, issuer: str | None, names: Any) -> None:
    urls = Urls(crl=f"http://x.example/{crl}", issuer=issuer and f"http://x.example/{issuer}")
    found = published_names(make_policy(urls=urls), ROOT_ID)
    assert (found.crl, found.root) == names


def test_openssl_takes_roots_pem_as_trust(sent: Exported, tmp_path: Path) -> None:
    (tmp_path / "roots.pem").write_bytes(sent.sidecars[0]["public/roots.pem"])
    signer = sent.written[0].contents.signers[0]
    ((_, der),) = sent.store.ders([signer.id])
    command = ["openssl", "verify", "-no_check_time", "-CAfile", tmp_path / "roots.pem"]
    pem = subprocess.run(["openssl", "x509", "-inform", "DER"], input=der, capture_output=True, check=True)
    subprocess.run(command, input=pem.stdout, capture_output=True, check=True)


def test_a_second_archive_of_one_stick_brings_no_public_files(sent: Exported) -> None:
    assert [path.rpartition(".")[2] for path in sent.sidecars[2]] == ["md", "html", "json"]


def test_every_backup_and_no_egress_brings_the_page_that_opens_it_by_hand(sent: Exported) -> None:
    page = Path(__file__).parents[3] / "docs" / "recovery.md"
    assert [sidecars.get("recovery.md") for sidecars in sent.sidecars] == [None, None, page.read_bytes()]


def test_only_papers_with_a_number_say_so(sent: Exported) -> None:
    sidecars = make_sidecars(sent.store, sent.policy, sent.written[0])
    assert [paper.path for paper in sidecars if paper.numbered] == [
        "pism-receipt-main-kudo-000001.html",
        "pism-receipt-main-kudo-000001.json",
    ]
    assert isinstance(sidecars[0], Sidecar)
