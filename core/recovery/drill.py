"""The drill: proof, on another machine than the box, that a backup can be restored.

1. `drill` opens the backup, runs every check on it, proves every key, writes nothing, and says six words.
2. The words are the first 66 bits of HMAC-SHA-256 under the store's drill token, over the SHA-256 of the
   backup's manifest and the SHA-256 of every private key in it (PKCS#8 DER), in order of id. Only who opened
   the backup and every key in it can say them.
3. The box works them out when it makes a backup, and keeps those of the last KEPT ones of each name: by the
   time they are typed, some of the keys may have been erased.
4. Words count once. They also settle the older backups of that name, so none can be presented again later.

The words open nothing: who hears them knows only that somebody could open the backup.
"""

import hashlib
import hmac
import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import msgspec
from cryptography import x509

from core.api.results import DRILL_WORDS, DrillRecorded
from core.crypto.recipients import fingerprint_words
from core.decoding import DecodingError, json_decoder
from core.errors import DrillError, PolicyError, StateDamagedError
from core.policy.policy import Policy
from core.progress import Progress, Report
from core.receive.seals import Confirm
from core.recovery.backup import open_backup
from core.recovery.backup_journal import DRILLED
from core.store import journal
from core.store.store import Store
from core.times import format_time

KEPT: Final = 12
MAX_TYPED: Final = 256
_BETWEEN: Final = re.compile(r"[\s,;]+")
_decode_expected = json_decoder(dict[int, str], 64 * 1024)


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
    report: Report,
) -> Drilled:
    """Open a backup, check all of it, prove every key; write nothing.

    Args:
        source: The archive.
        identities: From core.crypto.identities.
        trust: Roots to believe, from core.receive.trust.load_roots.
        confirm: Asked about the root, if it is none of `trust`; None refuses it.
        now: Aware UTC.
        report: Told (keys checked, keys in all, what), then the same of proofs; may raise StoppedError.

    Raises:
        CaError: As core.recovery.backup.open_backup.
    """
    with open_backup(source, identities, trust, confirm, now, report=report) as backup:
        digests = []
        for done, id_ in enumerate(sorted(backup.key_ids)):
            report(Progress(done=done, total=len(backup.key_ids), what="proof"))
            digests.append(hashlib.sha256(backup.prove_key(id_)).digest())
        report(Progress(done=len(digests), total=len(digests), what="proof"))
        manifest = backup.manifest
        return Drilled(
            authority=manifest.authority.name,
            name=manifest.name,
            sequence=manifest.sequence,
            created=manifest.created,
            keys=len(digests),
            words=make_words(backup.state.facts["drill_token"], backup.manifest_sha256, digests),
        )


def make_words(token: str, manifest_sha256: str, key_digests: Iterable[bytes]) -> tuple[str, ...]:
    """Return the six words of a backup.

    Args:
        token: The drill token, 64 hex digits.
        manifest_sha256: Of its manifest, 64 hex digits.
        key_digests: SHA-256 of every private key in it, in order of id.
    """
    code = hmac.new(bytes.fromhex(token), bytes.fromhex(manifest_sha256), hashlib.sha256)
    for digest in key_digests:
        code.update(digest)
    return fingerprint_words(code.digest(), DRILL_WORDS)


def expect_drill(
    store: Store, name: str, sequence: int, manifest_sha256: str, key_ids: Collection[str]
) -> None:
    """Remember the words that a drill of a backup will give.

    Args:
        store: In the transaction of the backup, whose keys are still all here.
        name: Of the backup.
        sequence: Its number.
        manifest_sha256: Of its manifest, 64 hex digits.
        key_ids: Ids of the keys inside.

    Raises:
        StateDamagedError: The store has no drill token (E-STATE-DAMAGED).
    """
    token = store.fact("drill_token")
    if token is None:
        raise StateDamagedError("the store holds no drill token")
    digests = (digest for id_, digest in store.key_digests() if id_ in key_ids)
    words = " ".join(make_words(token, manifest_sha256, digests))
    expected = {**_read_expected(store, name), sequence: words}
    _keep(store, name, {number: expected[number] for number in sorted(expected)[-KEPT:]})


def record_drill(store: Store, policy: Policy, name: str | None, typed: str, now: datetime) -> DrillRecorded:
    """Find the backup that the words of a drill belong to, and journal that it was drilled.

    Args:
        store: In a transaction of the caller.
        policy: The approved policy.
        name: Of a backup of the policy; None: whichever the words are of.
        typed: The six words, in any case, with blanks or commas between.
        now: Aware UTC, whole seconds.

    Raises:
        PolicyError: The policy has no such backup (E-POLICY).
        DrillError: No recent backup waits for these words (E-DRILL).
    """
    if name is not None and name not in policy.backups:
        raise PolicyError(f"The policy has no backup {name!r}.")
    words = " ".join(_BETWEEN.sub(" ", typed[:MAX_TYPED]).lower().split())
    for each in policy.backups if name is None else (name,):
        expected = _read_expected(store, each)
        for sequence, right in expected.items():
            if hmac.compare_digest(words.encode(), right.encode()):
                _keep(store, each, {number: expected[number] for number in expected if number > sequence})
                store.set_fact(f"{DRILLED}{each}", format_time(now))
                journal.append(store, "drill", {"name": each, "sequence": sequence}, now)
                return DrillRecorded(name=each, sequence=sequence)
    raise DrillError("No recent backup waits for these words, or they were recorded before.")


def _read_expected(store: Store, name: str) -> dict[int, str]:
    """Return sequence -> words of the backups that wait for a drill."""
    try:
        return _decode_expected((store.fact(f"drills {name}") or "{}").encode())
    except DecodingError as error:
        raise StateDamagedError(f"the store's list of drills of {name} cannot be read") from error


def _keep(store: Store, name: str, expected: dict[int, str]) -> None:
    store.set_fact(f"drills {name}", msgspec.json.encode(expected).decode())
