"""The children that tests/core/authority/test_kill_authority.py kills: one act each on an authority.

Arguments: the act, the state folder, and for top-up and export the database key in hex (which spares the key
derivation, not one of the writes).
"""

import sys
from datetime import timedelta
from pathlib import Path

from core.authority.authority import Authority
from core.policy.settings import RootSettings, SignerSettings, Target
from core.progress import report_nothing
from core.store.database import Database
from core.store.folder import Folder
from core.store.keyslots import KdfCost
from core.store.store import Store
from tests.authority_store import PASSPHRASE
from tests.builders import make_policy, utc
from tests.signing_requests import make_file

NOW = utc("2027-02-10T12:00")
LATER = NOW + timedelta(
    days=60
)  # by then a period is over: keys are erased, a root and twelve signers are due
POLICY = make_policy(
    roots=RootSettings(quantum=0.25, lead_time=1.0),
    signers=SignerSettings(
        lead_time=0.5,
        classes={
            "services": {
                "mongo": Target(quantum=0.25, load=12),
                "visitor": Target(quantum=0.25, own_key=True),
            }
        },
    ),
)
REQUESTS = tuple(make_file(f"services.visitor.{number}.csr") for number in (1, 2))


def main(act: str, state: Path, *rest: str) -> None:
    """Do one act."""
    if act == "init":
        Authority.found(state, POLICY, PASSPHRASE, KdfCost(), NOW).close()
        return
    folder = Folder.enter(state)
    with Store(Database.open(folder.store / "store.db", bytes.fromhex(rest[0])), folder) as store:
        authority = Authority(store, LATER, "boot")
        if act == "top-up":
            authority.top_up(LATER, report_nothing)
        elif act == "sign":
            shown = authority.propose_requests(REQUESTS, LATER).requests
            authority.sign_requests(REQUESTS, [item.approval for item in shown], LATER, report_nothing)
        else:
            with state.with_name(f"{state.name}.tar.age").open("wb") as out:
                for kind, name in (("egress", "main-kudo"), ("backup", "main-backup")):
                    authority.write_archive(kind, name, out, LATER, report_nothing, public=True)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), *sys.argv[3:])
