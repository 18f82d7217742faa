"""Twenty years of quarterly visits to one box: unlock, top-up, export, lock, through the authority itself."""

import io
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from core.certificate import Certificate
from core.policy.settings import RootSettings, SignerSettings, Target
from core.progress import report_nothing
from core.store import journal
from tests.authorities import BOOT, Founded, found
from tests.builders import utc
from tests.core.simulation import Box, assert_nested
from tests.judges import instants, openssl_accepts

pytestmark = pytest.mark.judge

START, VISITS = utc("2027-01-07T09:30"), 4 * 20
TARGETS = {
    "mongo": Target(quantum=0.25, load=2),
    "servers": Target(quantum=1.0, path_length=1, leaf_lifetime_days=14),
}


@dataclass(frozen=True, kw_only=True)
class Life:
    """What is left after twenty years.

    Args:
        box: The authority, locked.
        last: When it was visited last.
        issued: Everything that was ever issued.
        ders: Their bytes, by id.
        key_ids: Whose keys are still there.
        crls: The newest list of each root, DER, by the root's id.
    """

    box: Founded
    last: datetime
    issued: tuple[Certificate, ...]
    ders: dict[str, bytes]
    key_ids: frozenset[str]
    crls: dict[str, bytes]

    def of(self, kind: str) -> Iterator[Certificate]:
        return (item for item in self.issued if item.kind == kind)


@pytest.fixture(scope="module")
def life(tmp_path_factory: pytest.TempPathFactory) -> Life:
    box = found(
        tmp_path_factory.mktemp("years") / "state",
        START,
        top_up=False,
        roots=RootSettings(quantum=1.0, lead_time=2.0),
        signers=SignerSettings(lead_time=0.5, classes={"services": TARGETS}),
    )
    now = START
    for visit in range(VISITS):
        now = START + timedelta(days=round(visit * 365.25 / 4), hours=visit % 7)
        with box.unlock(now, BOOT) as authority:
            assert authority.unlocked(box.state / "config.yaml").clock == ""
            authority.top_up(now, report_nothing)
            assert authority.top_up(now, report_nothing).signers == 0
            written = authority.write_archive(
                "egress", "main-kudo", io.BytesIO(), now, report_nothing, public=False
            )
            assert written.sequence == visit + 1
            assert authority.status(now).next_visit_by > now + timedelta(days=90)
    with box.open_store() as store:
        issued = store.certificates()
        return Life(
            box=box,
            last=now,
            issued=issued,
            ders=dict(store.ders([item.id for item in issued])),
            key_ids=store.key_ids(),
            crls={crl.issuer: crl.der for crl in store.crls()},
        )


def test_it_still_opens_verifies_and_tops_up(life: Life) -> None:
    with life.box.unlock(life.last) as authority:
        assert authority.top_up(life.last, report_nothing).signers == 0
        assert authority.top_up(life.last + timedelta(days=91), report_nothing).signers >= 2
        assert journal.verify(authority._store).sequence > 3 * VISITS


def test_every_signer_ever_issued_nests_in_its_root(life: Life) -> None:
    assert sum(1 for _ in life.of("root")) >= 22
    assert sum(1 for _ in life.of("signer")) >= 2 * VISITS + 20
    assert_nested(Box(issued=list(life.issued)), [])


def test_every_lane_was_covered_on_every_day(life: Life) -> None:
    for name, target in TARGETS.items():
        for lane in range(1, target.load + 1):
            spans = sorted(
                (item.issue_from, item.issue_until)
                for item in life.of("signer")
                if (item.target, item.lane) == (name, lane)
            )
            reached = START.replace(hour=0, minute=0)
            for start, end in spans:
                assert start == reached
                reached = end
            assert reached > life.last + timedelta(days=183)


def test_keys_past_use_are_erased_and_the_others_kept(life: Life) -> None:
    over = {item.id for item in life.of("signer") if item.issue_until <= life.last}
    assert len(over) >= 2 * VISITS
    assert life.key_ids == {item.id for item in life.issued} - over


def test_lists_of_roots_that_have_not_ended_are_fresh_and_verify(life: Life) -> None:
    lasting = [root for root in life.of("root") if life.last < root.not_after]
    assert len(lasting) >= 4
    for root in life.of("root"):
        crl = x509.load_der_x509_crl(life.crls[root.id])
        parsed = x509.load_der_x509_certificate(life.ders[root.id])
        assert crl.is_signature_valid(parsed.public_key())  # type: ignore[arg-type] # Ed25519
        assert crl.issuer == parsed.subject
        assert crl.next_update_utc is not None
        assert crl.next_update_utc <= root.not_after
        if root in lasting:
            assert crl.last_update_utc == life.last


def test_openssl_accepts_what_it_issued_over_the_years_exactly_while_it_is_valid(
    life: Life, tmp_path: Path
) -> None:
    def write(item: Certificate) -> Path:
        path = tmp_path / f"{item.id}.pem"
        path.write_bytes(x509.load_der_x509_certificate(life.ders[item.id]).public_bytes(Encoding.PEM))
        return path

    roots = {root.id: write(root) for root in life.of("root")}
    signers = sorted(life.of("signer"), key=lambda item: item.issue_from)
    for item in (*signers[::17], signers[-1]):
        for at, valid in instants(item.not_before, item.not_after):
            assert openssl_accepts(roots[item.issuer], write(item), at) is valid, (item.path, item.period, at)
