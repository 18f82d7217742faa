"""Stores to test with: made once, copied for each test, opened with or without the key derivation."""

import hashlib
import shutil
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

from core.certificate import Issued
from core.store import journal
from core.store.database import Database
from core.store.folder import DATABASE, KEYSLOTS, Folder
from core.store.keyslots import KdfCost, open_slots
from core.store.store import Store, create_store
from tests.builders import make_certificate

PASSPHRASE = b"legal winner thank year wave sausage worth useful"
COST = KdfCost()
NOW = datetime(2027, 1, 1, tzinfo=UTC)


def make_issued(number: int, **fields: Any) -> Issued:
    """Return an issued signer with made-up bodies, the same for the same number."""
    random = Random(number)
    der, key = random.randbytes(random.randrange(400, 900)), random.randbytes(48)
    sha256 = hashlib.sha256(der).hexdigest()
    return Issued(
        certificate=make_certificate(number=number, lane=number, sha256=sha256, **fields), der=der, key=key
    )


def issue(store: Store, numbers: Iterable[int], now: datetime = NOW) -> None:
    """Add made-up signers in one journaled transaction."""
    batch = [make_issued(number) for number in numbers]
    with store.transaction():
        store.add(batch)
        journal.append(store, "issue", {"ids": [each.certificate.id for each in batch]}, now)


def found(state: Path) -> None:
    """Make a store with a policy, an incarnation and its first entry."""
    with create_store(state, PASSPHRASE, COST) as store, store.transaction():
        store.set_fact("policy", '{"policy":1}')
        store.set_fact("incarnation", "first")
        journal.append(store, "init", {}, NOW)


def master_key(state: Path) -> bytes:
    """Return the key of a store's database."""
    return open_slots((state / "store" / KEYSLOTS).read_bytes(), PASSPHRASE)[0].master


def open_with(state: Path, key: bytes) -> Store:
    """Open a store without the key derivation, as `open_store` does behind it."""
    folder = Folder.enter(state)
    try:
        return Store(Database.open(state / "store" / DATABASE, key), folder)
    except BaseException:
        folder.close()
        raise


def copy_state(source: Path, target: Path) -> Path:
    """Copy a state folder that nobody has open, and return the copy."""
    shutil.copytree(source, target)
    return target


def later(days: int) -> datetime:
    """Return a midnight after the founding."""
    return NOW + timedelta(days=days)
