"""Authorities to test with: founded once, copied for each test, opened with or without the key derivation."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import pyrage
import pytest

from core.authority.authority import Authority
from core.crypto.process import Boot
from core.errors import CaError
from core.policy.policy import Policy
from core.policy.settings import Backup, Egress
from core.progress import report_nothing
from core.store.database import Database
from core.store.folder import DATABASE, KEYSLOTS, Folder
from core.store.keyslots import KdfCost, open_slots
from core.store.store import Store
from tests.authority_store import PASSPHRASE
from tests.builders import make_policy, utc

NOW = utc("2027-02-10T12:00")
COST = KdfCost()
BOOT = Boot(id="one", uptime_s=5000.0)


@dataclass(frozen=True, kw_only=True)
class Founded:
    """A state folder that nobody has open, its database key, and who can read what it exports."""

    state: Path
    key: bytes
    identity: pyrage.x25519.Identity

    def copy(self, target: Path) -> "Founded":
        """Return the same authority in another folder."""
        shutil.copytree(self.state, target)
        return Founded(state=target, key=self.key, identity=self.identity)

    @contextmanager
    def open_store(self) -> Iterator[Store]:
        """Yield the store, opened by the key itself."""
        folder = Folder.enter(self.state)
        with Store(Database.open(self.state / "store" / DATABASE, self.key), folder) as store:
            yield store

    @contextmanager
    def open(self, now: datetime = NOW) -> Iterator[Authority]:
        """Yield the authority, opened by the key itself and without an entry in the journal."""
        with self.open_store() as store:
            yield Authority(store, now, BOOT.id)

    @contextmanager
    def unlock(self, now: datetime = NOW, boot: Boot = BOOT) -> Iterator[Authority]:
        """Yield the authority, unlocked by its passphrase."""
        authority = Authority.unlock(self.state, PASSPHRASE, now, boot)
        try:
            yield authority
        finally:
            authority.close()


def found(state: Path, now: datetime = NOW, *, top_up: bool = True, **sections: object) -> Founded:
    """Found an authority whose archives one identity opens; top it up unless told not to."""
    identity = pyrage.x25519.Identity.generate()
    line = str(identity.to_public())
    given: dict[str, object] = {
        "egresses": {"main-kudo": Egress(recipients=(line,))},
        "backups": {"main-backup": Backup(recipients=(line,))},
    }
    return found_with(state, make_policy(**(given | sections)), identity, now, top_up=top_up)


def found_with(
    state: Path, policy: Policy, identity: pyrage.x25519.Identity, now: datetime, *, top_up: bool = True
) -> Founded:
    """Found an authority with a policy of the caller's."""
    authority = Authority.found(state, policy, PASSPHRASE, COST, now)
    if top_up:
        authority.top_up(now, report_nothing)
    authority.close()
    key = open_slots((state / "store" / KEYSLOTS).read_bytes(), PASSPHRASE)[0].master
    return Founded(state=state, key=key, identity=identity)


def refusal(act: Callable[..., object], *arguments: object, **named: object) -> str:
    """Return the code that an act is refused with."""
    with pytest.raises(CaError) as raised:
        act(*arguments, **named)
    return raised.value.code


def snapshot(folder: Path) -> dict[str, bytes]:
    """Return every file below a folder with its bytes."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
