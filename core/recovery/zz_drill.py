"""The drill: proof, on another machine than the box, that a backup can be restored.

It opens the backup, runs every check on it, proves every key, writes nothing, and says the six words that
the box waits for (core.recovery.drill).
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from cryptography import x509

from core.recovery.backup import open_backup
from core.recovery.drill import make_words
from core.progress import Progress
from core.receive.opening import Confirm


@dataclass(frozen=True, slots=True, kw_only=True)
class Drilled:
    """A backup that passed every check, and the words that say so.

    Args:
        authority: Name of the authority.
        name: Of the backup.
        sequence: Its number.
        created: When it was made, aware UTC.
        keys: How many private keys were proven.
        words: Six words for the box.
    """

    authority: str
    name: str
    sequence: int
    created: datetime
    keys: int
    words: tuple[str, ...]

    @property
    def file_name(self) -> str:
        """What the file with the words is called that a stick carries to the box."""
        return f"pism-drill-{self.name}-{self.sequence:06d}.txt"


def drill(
    source: Path,
    identities: Sequence[Any],
    trust: Sequence[x509.Certificate],
    confirm: Confirm | None,
    now: datetime,
    *,
    progress: Progress,
) -> Drilled:
    """Open a backup, check all of it, prove every key; write nothing.

    Args:
        source: The archive.
        identities: From core.crypto.identities.
        trust: Roots to believe, from core.receive.trust.load_roots.
        confirm: Asked about the root, if it is none of `trust`; None refuses it.
        now: Aware UTC.
        progress: Told (keys done, keys in all, what); may raise StoppedError.

    Raises:
        CaError: As core.recovery.backup.open_backup.
    """
    with open_backup(source, identities, trust, confirm, now) as backup:
        digests = []
        for done, id_ in enumerate(sorted(backup.key_ids)):
            progress(done, len(backup.key_ids), "key")
            digests.append(hashlib.sha256(backup.prove_key(id_)).digest())
        progress(len(digests), len(digests), "key")
        manifest = backup.manifest
        return Drilled(
            authority=manifest.authority.name,
            name=manifest.name,
            sequence=manifest.sequence,
            created=manifest.created,
            keys=len(digests),
            words=make_words(backup.state.facts["drill_token"], backup.manifest_sha256, digests),
        )
