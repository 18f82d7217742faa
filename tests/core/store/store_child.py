"""The children that tests/core/store/test_kill_store.py kills: one act each on a state folder.

Arguments: the act, the state folder, and for `add` and `tables` the database key in hex (which spares the key
derivation, not one of the writes).
"""

import hashlib
import sys
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from core.certificate import Certificate
from core.store import journal
from core.store.database import Database
from core.store.folder import Folder
from core.store.former import FormerStore
from core.store.keyslots import KdfCost
from core.store.store import Store, create_store, open_store

PASSPHRASE, NEXT_PASSPHRASE = b"legal winner thank year wave", b"sausage worth useful zoo zoo"
NOW = datetime(2027, 1, 1, tzinfo=UTC)
COST = KdfCost()


def _issued(number: int) -> Any:
    # The fields of core.issue.issuance.Issued, without the time to import X.509.
    der, key = bytes([number % 251]) * 600, bytes([number % 241]) * 48
    certificate = Certificate(
        id=f"{number:08x}-0000-4000-8000-000000000000",
        kind="signer",
        class_name="infrastructure",
        target="avatars",
        lane=number,
        period="2027.1",
        algorithm="ed25519",
        issue_from=NOW,
        issue_until=NOW,
        not_before=NOW,
        not_after=NOW,
        serial=number,
        issuer="0000000f-0000-4000-8000-000000000000",
        sha256=hashlib.sha256(der).hexdigest(),
    )
    return SimpleNamespace(certificate=certificate, der=der, key=key)


def _add(store: Store, start: int, count: int) -> None:
    with store.transaction():
        store.add(_issued(number) for number in range(start, start + count))
        journal.append(store, "issue", {"count": count}, NOW)


def main(act: str, state: Path, *rest: str) -> None:
    """Do one act."""
    if act == "init":
        with create_store(state, PASSPHRASE, COST) as store:
            with store.transaction():
                store.set_fact("policy", "Example Virtual Worlds" * 400)
                journal.append(store, "init", {}, NOW)
            _add(store, 1, 40)
    elif act == "add":
        folder = Folder.enter(state)
        with Store(Database.open(folder.store / "store.db", bytes.fromhex(rest[0])), folder) as store:
            _add(store, 41, 60)
            with store.transaction():
                store.erase_keys(_issued(number).certificate.id for number in range(1, 60))
                journal.append(store, "erase", {}, NOW)
    elif act == "tables":
        folder = Folder.enter(state)
        FormerStore(Database.open(folder.store / "store.db", bytes.fromhex(rest[0]))).bring_up_to_date()
    else:
        with open_store(state, PASSPHRASE) as store:
            if act == "passphrase":
                store.change_passphrase(PASSPHRASE, NEXT_PASSPHRASE, COST)
            else:
                store.rekey(
                    PASSPHRASE, COST, lambda copy: journal.append(copy, "rekeyed", {}, NOW), lambda *_: None
                )


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), *sys.argv[3:])
