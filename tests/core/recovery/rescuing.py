"""A rescue through the vault, step by step: what its tests ask for."""

import io
import os
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from core.api import requests as protocol
from core.api.results import BackupOpened, BackupRestored, IdentitySeen
from kiosk.work.session import Session, VaultRefusalError
from tests.backups import (
    NEW_PASSPHRASE,
    PastBox,
)
from tests.builders import utc

NOW = utc("2027-10-02T08:00")

DAY = timedelta(days=1)

Vaults = Callable[[Path], Session]


def in_memory(data: bytes) -> io.BufferedRandom:
    file = os.fdopen(os.memfd_create("test"), "w+b")
    file.write(data)
    file.flush()
    return file


def take(session: Session, data: bytes) -> IdentitySeen:
    with in_memory(data) as file:
        return session.ask(protocol.TakeIdentity(), IdentitySeen, into=file)


def see(session: Session, data: bytes) -> IdentitySeen:
    with in_memory(data) as file:
        return session.ask(protocol.SeeIdentity(), IdentitySeen, into=file)


def open_backup(session: Session, backup: Path, now: Any = NOW, **given: Any) -> BackupOpened:
    with backup.open("rb") as file:
        request = protocol.OpenBackup(now=now)
        return session.ask(request, BackupOpened, into=file, **given)  # type: ignore[arg-type]


def restore(session: Session, now: Any = NOW, **given: Any) -> BackupRestored:
    request = protocol.Restore(passphrase=NEW_PASSPHRASE, now=now)
    return session.ask(request, BackupRestored, **given)


def identity_of(box: PastBox) -> bytes:
    return f"# created by age-keygen\n{box.identity}\n".encode()


def refusal(ask: Callable[[], object]) -> str:
    with pytest.raises(VaultRefusalError) as raised:
        ask()
    return raised.value.failed.code


def names_in(folder: Path) -> list[str]:
    return sorted(each.name for each in folder.iterdir()) if folder.exists() else []
