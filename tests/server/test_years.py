"""Ten years of a server: visits on time and missed, revocations, days off; who may sign on each day."""

import random
from datetime import datetime, timedelta
from pathlib import Path

import pyrage
import pytest
from cryptography import x509

from core.authority.revocation import refresh_crls, revoke
from core.authority.top_up import top_up
from core.policy.settings import Egress
from core.progress import report_nothing
from core.store import journal
from core.store.store import Store
from server.agent import OPENED, do_turn, take_archive
from server.opened import read_opened
from server.settings import read_settings
from tests.authority_store import export, make_store
from tests.builders import make_policy, utc

START = utc("2027-01-15T10:00")
DAY = timedelta(days=1)
VISITS = {number * 80 for number in range(1, 46)} - {320, 1280}
"""Days of visits in ten years: every 80 days, two of them missed. Signers are made half a year ahead."""

REVOKED_SIGNER, REVOKED_ROOT = 800, 1600


class World:
    """A box, its stick, and a server with one place."""

    def __init__(self, folder: Path, store: Store) -> None:
        self.folder, self.store = folder, store
        self.identity = pyrage.x25519.Identity.generate()
        (folder / "identity").write_text(f"{self.identity}\n")
        self.place, self.state = folder / "place", folder / "agent"
        self.policy = make_policy(egresses={"main": Egress(recipients=(str(self.identity.to_public()),))})
        place = f"{{target: services/mongo, folder: {self.place}, plain_key: true}}"
        text = (
            f"identity: {folder}/identity\nplaces: {{files: {{mongo: {place}}}}}\npublic: {folder}/public\n"
        )
        (folder / "server.yaml").write_text(text)

    def visit(self, now: datetime) -> None:
        top_up(self.store, self.policy, now, report_nothing)
        with self.store.transaction():
            refresh_crls(self.store, self.policy, now)
            journal.append(self.store, "crls", {}, now)
        _, data = export(self.store, self.policy, "egress", "main", now)
        (self.folder / "archive.tar.age").write_bytes(data)
        source = self.folder / "archive.tar.age"
        take_archive(self.state, source, [self.identity], (), now, confirm=lambda _: True)

    def turn(self, now: datetime) -> None:
        do_turn(self.state, read_settings(self.folder / "server.yaml"), now, lambda _: None)

    def revoke(self, kind: str, now: datetime) -> str:
        """Revoke the signer that stands, or its root; return its id."""
        stands = self.standing()
        found = next(item for item in self.store.certificates() if item.serial == stands.serial_number)
        id_ = found.id if kind == "signer" else found.issuer
        with self.store.transaction():
            revoke(self.store, id_, "keyCompromise", now)
        return id_

    def standing(self) -> x509.Certificate:
        return x509.load_pem_x509_certificate((self.place / "certificate.pem").read_bytes())

    def check(self, now: datetime) -> None:
        """A signer stands, it may issue now, and a root to trust signed it."""
        stands = self.standing()
        opened = read_opened(self.state / OPENED)
        (signer,) = (item for item in opened.signers if f"{item.id}" in stands.subject.rfc4514_string())
        assert signer.may_stand(now)
        assert stands.not_valid_before_utc <= now <= stands.not_valid_after_utc
        roots = x509.load_pem_x509_certificates((self.folder / "public" / "trust.pem").read_bytes())
        (root,) = (root for root in roots if root.subject == stands.issuer)
        stands.verify_directly_issued_by(root)
        assert root.not_valid_before_utc <= now <= root.not_valid_after_utc
        crl = x509.load_der_x509_crl((self.folder / "public" / f"{signer.root}.crl").read_bytes())
        assert crl.get_revoked_certificate_by_serial_number(stands.serial_number) is None
        assert crl.next_update_utc is not None
        assert now < crl.next_update_utc


@pytest.mark.judge
def test_on_every_day_of_ten_years_a_signer_stands_that_may_issue_and_verifies(tmp_path: Path) -> None:
    chance = random.Random(14)
    with make_store(tmp_path / "state", make_policy(), START) as store:
        world = World(tmp_path, store)
        world.visit(START)
        signers = set()
        for number in range(3650):
            now = START + number * DAY + timedelta(seconds=chance.randrange(12 * 3600))
            if number in VISITS:
                if number in (REVOKED_SIGNER, REVOKED_ROOT):
                    world.revoke("signer" if number == REVOKED_SIGNER else "root", now)
                world.visit(now)
            elif chance.random() < 0.2:
                continue  # the machine is off
            world.turn(now)
            world.check(now)
            signers.add(world.standing().serial_number)
    assert len(signers) >= 40  # a quarter each, and those that filled holes
