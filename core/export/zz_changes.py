"""What changed between two archives of one kind and name.

The store remembers with each export how many certificates had been issued by then, as the fact
"exported <kind> <name>". All else follows from dates. It decides nothing about contents.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

import msgspec

from core.certificate import Certificate
from core.archive.contents import Contents
from core.policy.policy import Policy

if TYPE_CHECKING:
    from core.store.store import Store


class _Mark(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where the export before this one stood."""

    created: datetime
    issued: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """What changed since an archive.

    Args:
        since: When that archive was made; None if this is the first one.
        issued: New roots and signers in this archive.
        revoked: Roots and signers that were revoked since.
        ended: Roots and signers whose issuing period ended since; they may be gone from the archive.
    """

    since: datetime | None
    issued: tuple[Certificate, ...]
    revoked: tuple[Certificate, ...]
    ended: tuple[Certificate, ...]


def take_changes(
    store: "Store", policy: Policy, contents: Contents, issued: Sequence[Certificate], now: datetime
) -> Changes:
    """Return what changed since the last archive of this kind and name, and remember this one.

    Args:
        store: Inside the transaction of the export.
        policy: The approved policy.
        contents: What this archive holds.
        issued: All certificates, in issuing order.
        now: Aware UTC time of this archive.
    """
    name = f"exported {contents.kind} {contents.name}"
    fact = store.fact(name)
    mark = _Mark(created=now, issued=len(issued))
    store.set_fact(name, msgspec.json.encode(mark, order="sorted").decode())
    egress = contents.kind == "egress"
    targets = frozenset(policy.egress_targets(contents.name)) if egress else None
    concerned = [
        item
        for item in issued
        if item.kind == "root"
        or (item.kind == "signer" and (targets is None or (item.class_name, item.target) in targets))
    ]
    return _find_changes(contents, issued, concerned, fact, now)


def _find_changes(
    contents: Contents,
    issued: Sequence[Certificate],
    concerned: Sequence[Certificate],
    fact: str | None,
    now: datetime,
) -> Changes:
    held = frozenset(item.id for item in (*contents.roots, *contents.signers))
    if fact is None:
        new = tuple(item for item in concerned if item.id in held)
        return Changes(since=None, issued=new, revoked=(), ended=())
    mark = msgspec.json.decode(fact, type=_Mark)
    return Changes(
        since=mark.created,
        issued=tuple(item for item in issued[mark.issued :] if item.id in held),
        revoked=tuple(
            item for item in concerned if item.revoked_at is not None and item.revoked_at >= mark.created
        ),
        ended=tuple(item for item in concerned if mark.created < item.issue_until <= now),
    )
