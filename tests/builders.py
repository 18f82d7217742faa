"""Small makers of values for tests; everything can be overridden by name."""

from datetime import UTC, datetime
from typing import Any

from core.certificate import Certificate
from core.issue.issuance import IssuingKey, issue_root, load_issuing_key
from core.plan.gaps import Gap
from core.policy.policy import Policy
from core.policy.settings import (
    AuthorityName,
    Backup,
    CrlSettings,
    Egress,
    RootSettings,
    SignerSettings,
    Target,
)

AGE_KEY = "age1lggyhqrw2nlhcxprm67z43rta597azn8gknawjehu9d9dl0jq3yqqvfafg"
OTHER_AGE_KEY = "age1t7rxyev2z3rw82stdlrrepyc39nvn86l5078zqkf5uasdy86jp6svpy7pa"


def utc(text: str) -> datetime:
    """Return an aware UTC instant from ISO text such as 2027-01-01 or 2027-01-01T12:00."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def make_policy(**sections: Any) -> Policy:
    """Return a small policy: one target services/mongo, quarters, half a year ahead."""
    given: dict[str, Any] = {
        "authority": AuthorityName(
            name="Example Virtual Worlds", id="c5ce9b8a-3cf1-4b50-b62c-7979d7d0edd7", domain="worlds.example"
        ),
        "algorithm": "ed25519",
        "visit_every_days": 90,
        "spread_days": 30,
        "drill_every_days": 180,
        "crl": CrlSettings(lifetime_days=180),
        "roots": RootSettings(quantum=1.0, lead_time=1.0),
        "signers": SignerSettings(lead_time=0.5, classes={"services": {"mongo": Target(quantum=0.25)}}),
        "egresses": {"main-kudo": Egress(recipients=(AGE_KEY,))},
        "backups": {"main-backup": Backup(recipients=(OTHER_AGE_KEY,))},
        "sticks": {"PISM-ALL": ("top-up", "export main-kudo", "backup main-backup")},
    }
    return Policy(**(given | sections))


def make_certificate(**fields: Any) -> Certificate:
    """Return the record of a signer services/mongo of 2027.1; `number` sets ids, digests and serial apart."""
    number = fields.pop("number", 1)
    given: dict[str, Any] = {
        "id": f"{number:08x}-0000-4000-8000-000000000000",
        "kind": "signer",
        "class_name": "services",
        "target": "mongo",
        "lane": 1,
        "period": "2027.1",
        "algorithm": "ed25519",
        "issue_from": utc("2027-01-01"),
        "issue_until": utc("2027-04-01"),
        "not_before": utc("2027-01-01"),
        "not_after": utc("2027-04-30T23:59:59"),
        "serial": 4096 + number,
        "issuer": "0000000f-0000-4000-8000-000000000000",
        "sha256": f"{number:064x}",
    }
    return Certificate(**(given | fields))


def make_root(**fields: Any) -> Certificate:
    """Return the record of a root of 2027."""
    number = fields.pop("number", 0xF)
    each = f"{number:08x}-0000-4000-8000-000000000000"
    given: dict[str, Any] = {
        "kind": "root",
        "class_name": None,
        "target": None,
        "lane": None,
        "period": "2027",
        "issue_until": utc("2028-01-01"),
        "not_after": utc("2028-12-31T23:59:59"),
        "issuer": each,
    }
    return make_certificate(number=number, **(given | fields))


def make_seal_record(**fields: Any) -> Certificate:
    """Return the record of a seal under the root of `make_root`."""
    given = {"number": 0xE, "kind": "seal", "issuer": "0000000f-0000-4000-8000-000000000000"}
    return make_root(**(given | fields))


def make_gap(**fields: Any) -> Gap:
    """Return the gap of lane 1 of services/mongo in 2027.1."""
    given: dict[str, Any] = {
        "kind": "signer",
        "class_name": "services",
        "target": "mongo",
        "lane": 1,
        "period": "2027.1",
        "issue_from": utc("2027-01-01"),
        "issue_until": utc("2027-04-01"),
    }
    return Gap(**(given | fields))


def make_root_gap(**fields: Any) -> Gap:
    """Return the gap of a root of 2027."""
    given = {"kind": "root", "class_name": None, "target": None, "lane": None, "period": "2027"}
    return make_gap(**(given | {"issue_until": utc("2028-01-01")} | fields))


def make_issuing_key(policy: Policy, **fields: Any) -> IssuingKey:
    """Issue a root on the day that its gap begins, and return it ready to sign."""
    gap = make_root_gap(**fields)
    issued = issue_root(policy, gap, gap.issue_from)
    return load_issuing_key(issued.certificate, issued.der, issued.key)
