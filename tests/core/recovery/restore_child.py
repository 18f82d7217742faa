"""The child that tests/core/recovery/test_kill_restore.py kills: one restore.

Arguments: the archive, a file with an age identity, the state folder.
"""

import sys
from pathlib import Path

import pyrage

from core.progress import report_nothing
from core.recovery.restore import restore
from tests.backups import COST, FOUNDED, NEW_PASSPHRASE


def main(archive: Path, identity: Path, state: Path) -> None:
    """Restore the archive; the state folder comes last, as in other such children."""
    restore(
        archive,
        [pyrage.x25519.Identity.from_str(identity.read_text())],
        (),
        lambda _: True,
        state=state,
        passphrase=NEW_PASSPHRASE,
        cost=COST,
        now=FOUNDED,
        report=report_nothing,
    )


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
