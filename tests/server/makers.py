"""Signers and opened folders for tests of the server's side."""

import uuid
from datetime import timedelta
from pathlib import Path
from typing import Any

import pyrage

from core.receive.opening import open_archive
from server.signers import Signer
from tests.archives import NOW, Box, day, make_box
from tests.builders import utc

TARGET = "services/mongo"
"""What tests.archives.Box issues for."""

START, NEXT, LAST = day(2027), day(2027, 4), day(2027, 7)
"""First instants of the quarters that `make_quarters` covers, and the end of the second one."""


def make_signer(**fields: Any) -> Signer:
    """Return a signer of the first quarter of 2027; `fields` override."""
    issue_until = fields.get("issue_until", utc("2027-04-01T00:00"))
    issue_from = fields.get("issue_from", utc("2027-01-01T00:00"))
    given: dict[str, Any] = {
        "id": str(uuid.uuid4()),
        "target": TARGET,
        "lane": 1,
        "period": "2027.1",
        "algorithm": "ed25519",
        "issue_from": issue_from,
        "issue_until": issue_until,
        "not_before": issue_from,
        "not_after": issue_until + timedelta(days=30, seconds=-1),
        "leaf_lifetime": timedelta(days=30),
        "root": "r",
        "is_revoked": False,
        "has_key": True,
        "archive": "main-kudo-000001-20270101T000000Z",
        "archive_created": utc("2026-12-01T00:00"),
    }
    return Signer(**(given | fields))


def make_quarters(**fields: Any) -> Box:
    """Return a box with signers of the first two quarters of 2027, a month's tail each."""
    box = make_box(**fields)
    box.add("signer", start=NEXT, until=LAST, tail=30)
    return box


def open_into(out: Path, box: Box, **options: Any) -> Path:
    """Open an archive of a box into a receiver's folder; `options` are those of Box.make."""
    archive = out.parent / "archive.tar.age"
    archive.write_bytes(box.make(**options))
    now = options.get("created", NOW)
    open_archive(archive, [box.identity], (), out, lambda _: True, now)
    return out


def write_identity(path: Path, box: Box) -> Path:
    """Write the private key that opens a box's archives."""
    assert isinstance(box.identity, pyrage.x25519.Identity)
    path.write_text(f"{box.identity}\n")
    return path
