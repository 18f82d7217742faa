"""An archive in numbers, one line a target; what the report says and draws."""

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from core.export.chart import Row, find_end, find_stretches, make_row
from core.export.archives import Written
from core.policy.policy import Policy

if TYPE_CHECKING:
    from core.certificate import Certificate


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetSummary:
    """What an archive holds of one target, in numbers.

    Args:
        row: Its live periods, as the chart draws them.
        signers: Certificates in the archive.
        keys: Private keys in the archive.
        own_key: Whether its keys are made elsewhere.
        issued: How many are new since the archive before.
        until: Until when every lane is covered without a hole.
    """

    row: Row
    signers: int
    keys: int
    own_key: bool
    issued: int
    until: datetime


def summarize_targets(written: Written, policy: Policy) -> tuple[TargetSummary, ...]:
    """Return the summary of every target that the archive is for, in the policy's order."""
    contents, now = written.contents, written.head.created
    by_target: dict[tuple[str | None, str | None], list[Certificate]] = {}
    for signer in contents.signers:
        by_target.setdefault((signer.class_name, signer.target), []).append(signer)
    issued = frozenset(item.id for item in written.changes.issued)
    every = tuple((class_name, name) for class_name, name, _ in policy.targets())
    wanted = policy.egress_targets(contents.name) if contents.kind == "egress" else every
    settings = {(class_name, name): target for class_name, name, target in policy.targets()}
    summaries = []
    for place in wanted:
        signers = by_target.get(place, [])
        live = (item for item in signers if contents.status(item, now) != "revoked")
        row = make_row("/".join(place), settings[place].load, live)
        summaries.append(
            TargetSummary(
                row=row,
                signers=len(signers),
                keys=sum(item.id in contents.key_ids for item in signers),
                own_key=settings[place].own_key,
                issued=sum(item.id in issued for item in signers),
                until=find_end(row, find_stretches(row, now), now),
            )
        )
    return tuple(summaries)
