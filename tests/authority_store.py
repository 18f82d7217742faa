"""A store with an authority in it, for tests of what stands above the store; real parts only."""

import io
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from core.archive.box_key import make_box_key
from core.archive.contents import Changes, select_backup, select_egress
from core.archive.manifest import Authority, Manifest
from core.authority.top_up import top_up
from core.certificate import Certificate
from core.crypto.recipients import parse_recipient
from core.export.archives import Written, write_backup, write_egress
from core.policy.policy import Policy, encode_policy
from core.progress import report_nothing
from core.store import journal
from core.store.keyslots import KdfCost
from core.store.records import ArchiveRecord
from core.store.store import Store, create_store, open_store

PASSPHRASE = b"correct horse battery staple and some more words"
INCARNATION = "11111111-2222-4333-8444-555555555555"
FACTS = {"incarnation": INCARNATION, "drill_token": "00" * 32}


@contextmanager
def make_store(
    state: Path, policy: Policy, now: datetime, facts: Mapping[str, str] = FACTS
) -> Iterator[Store]:
    """Yield an open store that was founded and topped up at `now`."""
    with create_store(state, PASSPHRASE, KdfCost()) as store, store.transaction():
        store.set_fact("policy", encode_policy(policy).decode())
        for name, value in facts.items():
            store.set_fact(name, value)
        make_box_key(store)
        journal.append(store, "init", {}, now)
    with open_store(state, PASSPHRASE) as store:
        top_up(store, policy, now, report_nothing)
        yield store


def export(store: Store, policy: Policy, kind: str, name: str, now: datetime) -> tuple[Written, bytes]:
    """Write an egress or a backup and remember it; return what was written, and the age file."""
    out = io.BytesIO()
    write = write_egress if kind == "egress" else write_backup
    with store.transaction():
        written = write(store, policy, name, now, out, report=report_nothing)
        store.add_archive(
            ArchiveRecord(
                kind=written.head.kind,
                name=name,
                sequence=written.head.sequence,
                created=now,
                manifest_sha256=written.manifest_sha256,
            )
        )
        journal.append(store, "export", {"manifest": written.manifest_sha256}, now)
    return written, out.getvalue()


def make_written(
    policy: Policy, certificates: Sequence[Certificate], now: datetime, **fields: Any
) -> Written:
    """Return what an export of given records would say, without a store; `head` overrides its manifest."""
    kind = fields.pop("kind", "egress")
    name = fields.pop("name", "main-kudo" if kind == "egress" else "main-backup")
    select = select_egress if kind == "egress" else select_backup
    contents = select(policy, name, certificates, frozenset(item.id for item in certificates), now)
    lines = (policy.egresses if kind == "egress" else policy.backups)[name].recipients
    authority = policy.authority
    head: dict[str, Any] = {
        "authority": Authority(id=authority.id, name=authority.name, domain=authority.domain),
        "incarnation": INCARNATION,
        "restored_from": None,
        "kind": kind,
        "name": name,
        "sequence": 1,
        "created": now,
        "earlier": (),
        "targets": (),
        "box_key": "a" * 64,
        "policy_sha256": policy.sha256,
        "journal_head": "b" * 64,
        "next_visit_by": now + timedelta(days=60),
    }
    given: dict[str, Any] = {
        "head": Manifest(**(head | fields.pop("head", {}))),
        "contents": contents,
        "changes": Changes(since=None, issued=contents.signers, revoked=(), ended=()),
        "recipients": tuple(parse_recipient(line, "test") for line in lines),
        "seals": (),
        "manifest_sha256": "1" * 64,
        "archive_name": f"{name}-000001-{now:%Y%m%dT%H%M%SZ}.tar.age",
        "archive_sha256": "2" * 64,
        "size_bytes": 4096,
    }
    return Written(**(given | fields))
