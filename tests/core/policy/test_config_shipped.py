"""config.yaml as it is shipped, topped up for real: what validators say of every signer, on every day.

What went wrong in the ancestor of this project is what is looked at: future signers under a root that has
ended, roots with path length 0, loads that were ignored, a second run that issued again.
"""

import shutil
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pyrage
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from core.certificate import Certificate
from core.policy.proposal import propose_policy
from core.progress import report_nothing
from tests.authorities import Founded, found_with
from tests.builders import utc
from tests.judges import gnutls_accepts, instants, verify_with_openssl

pytestmark = pytest.mark.judge

SHIPPED = Path(__file__).parents[3] / "config.yaml"
KEYS = ("main-kudo.pub", "backup-a.pub", "backup-b.pub")
# In the middle of a quarter, and the last evening of a leap year's February.
DATES = ("2026-11-23", "2028-02-29T23:59:58")
AVATARS = 200


@dataclass(frozen=True, kw_only=True)
class Shipped:
    """What the shipped config.yaml issued at one date: certificates as PEM files, by id."""

    now: datetime
    box: Founded
    issued: tuple[Certificate, ...]
    folder: Path

    def pem(self, certificate: Certificate) -> Path:
        return self.folder / f"{certificate.id}.pem"

    @property
    def signers(self) -> tuple[Certificate, ...]:
        return tuple(item for item in self.issued if item.kind == "signer")

    @property
    def roots(self) -> dict[str, Certificate]:
        return {item.id: item for item in self.issued if item.kind == "root"}


@pytest.fixture(scope="module", params=DATES)
def shipped(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Shipped:
    folder, now = tmp_path_factory.mktemp("shipped"), utc(request.param)
    shutil.copy(SHIPPED, folder / "config.yaml")
    (folder / "keys").mkdir()
    for name in KEYS:
        identity = pyrage.x25519.Identity.generate()
        (folder / "keys" / name).write_text(f"{identity.to_public()}\n")
    policy, _ = propose_policy(folder / "config.yaml")
    box = found_with(folder / "state", policy, identity, now)
    (folder / "pem").mkdir()
    with box.open_store() as store:
        issued = store.certificates()
        for each, der in store.ders([item.id for item in issued]):
            pem = x509.load_der_x509_certificate(der).public_bytes(Encoding.PEM)
            (folder / "pem" / f"{each}.pem").write_bytes(pem)
    return Shipped(now=now, box=box, issued=issued, folder=folder / "pem")


def alike(signers: tuple[Certificate, ...]) -> Iterator[tuple[Certificate, ...]]:
    """Yield signers of one root and one validity together: one run of a validator judges them all."""
    groups = defaultdict(list)
    for item in signers:
        groups[item.issuer, item.not_before, item.not_after].append(item)
    yield from map(tuple, groups.values())


def test_openssl_accepts_every_signer_under_its_own_root_alone_exactly_while_it_is_valid(
    shipped: Shipped,
) -> None:
    judged = 0
    for group in alike(shipped.signers):
        root = shipped.pem(shipped.roots[group[0].issuer])
        files = [shipped.pem(item) for item in group]
        for at, valid in instants(group[0].not_before, group[0].not_after):
            said = verify_with_openssl(root, at, *files)
            accepted = {
                line.removesuffix(": OK") for line in said.stdout.splitlines() if line.endswith(": OK")
            }
            assert accepted == (set(map(str, files)) if valid else set()), (at, said.stderr)
            assert said.stderr.count(": verification failed") == (0 if valid else len(files))
            assert (said.returncode == 0) is valid
            judged += len(files)
    assert judged == 5 * len(shipped.signers) > 5 * 3 * AVATARS


def test_gnutls_accepts_signers_of_every_target_period_and_root_exactly_while_they_are_valid(
    shipped: Shipped,
) -> None:
    samples = {(item.path, item.period, item.issuer): item for item in shipped.signers}
    assert len(samples) >= 10
    for item in samples.values():
        root = shipped.pem(shipped.roots[item.issuer])
        for at, valid in instants(item.not_before, item.not_after):
            assert gnutls_accepts(root, shipped.pem(item), at) is valid, (item.path, item.period, at)


def test_no_signer_verifies_under_another_root(shipped: Shipped, tmp_path: Path) -> None:
    for group in alike(shipped.signers):
        others = [root for root in shipped.roots.values() if root.id != group[0].issuer]
        bundle = tmp_path / "others.pem"
        bundle.write_bytes(b"".join(shipped.pem(root).read_bytes() for root in others))
        said = verify_with_openssl(bundle, group[0].issue_from, *(shipped.pem(item) for item in group))
        assert ": OK" not in said.stdout


def test_200_avatars_stand_side_by_side_in_each_of_their_periods(shipped: Shipped) -> None:
    periods = defaultdict(list)
    for item in shipped.signers:
        if item.path == "infrastructure/avatars":
            periods[item.issue_from, item.issue_until].append(item)
    assert len(periods) >= 3
    for avatars in periods.values():
        assert sorted(item.lane or 0 for item in avatars) == list(range(1, AVATARS + 1))
    spans = sorted(periods)
    assert spans[0][0] <= shipped.now < spans[0][1]
    assert all(one[1] == two[0] for one, two in pairwise(spans))
    assert spans[-1][1] > shipped.now + timedelta(days=183)


def test_every_target_has_its_load_today_and_half_a_year_ahead(shipped: Shipped) -> None:
    loads = {"services/mongo": 1, "services/etcd": 1, "services/redis": 1}
    loads |= {"infrastructure/avatars": AVATARS, "infrastructure/servers": 20}
    for days in (0, 90, 183):
        at = shipped.now + timedelta(days=days)
        active = Counter(item.path for item in shipped.signers if item.status(at) == "active")
        assert active == loads


def test_roots_reach_five_years_ahead_and_limit_no_path(shipped: Shipped) -> None:
    for root in shipped.roots.values():
        parsed = x509.load_pem_x509_certificate(shipped.pem(root).read_bytes())
        constraints = parsed.extensions.get_extension_for_class(x509.BasicConstraints).value
        assert (constraints.ca, constraints.path_length) == (True, None)
    assert max(root.issue_until for root in shipped.roots.values()) > shipped.now + timedelta(days=5 * 366)


def test_a_second_top_up_at_the_same_time_issues_nothing(shipped: Shipped) -> None:
    with shipped.box.open(shipped.now) as authority:
        again = authority.top_up(shipped.now, report_nothing)
        assert (again.roots, again.signers, again.erased_keys) == (0, 0, 0)
        assert authority.certificates() == shipped.issued
