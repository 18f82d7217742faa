"""The status: coverage of each target, the next visit, box, roots, archives, recipients, the journal's head.

Reads only. What it returns is public to whoever has the passphrase; it holds no key.
"""

from collections import Counter
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from core.api import results
from core.archive.box_key import box_words, load_box_key
from core.certificate import Certificate
from core.crypto.recipients import fingerprint_words
from core.plan.coverage import find_coverage, next_visit_by
from core.plan.gaps import find_gaps
from core.policy.periods import lead_days
from core.policy.policy import Policy, list_recipients, read_key_names
from core.policy.probation import read_probation
from core.store.store import Store

if TYPE_CHECKING:
    from core.archive.manifest import ArchiveKind


def make_status(store: Store, policy: Policy, now: datetime, clock: str) -> results.StatusReport:
    """Return the whole picture at `now`.

    Args:
        store: Open.
        policy: The approved policy.
        now: Aware UTC, whole seconds.
        clock: "" or the code that forbids work until the clock is corrected.
    """
    certificates = store.certificates(alive_at=now)
    entry = store.last_entry()
    head = entry.hash if entry else ""
    archives = _list_archives(store, policy)
    live = Counter(
        item.issuer
        for item in certificates
        if item.kind == "signer" and item.revoked_at is None and now <= item.not_after
    )
    return results.StatusReport(
        authority=policy.authority.name,
        incarnation=store.fact("incarnation") or "",
        box=_summarize_box(store),
        now=now,
        next_visit_by=next_visit_by(policy, certificates, store.crls(), now),
        covers=_list_coverage(policy, certificates, now),
        requests=_list_requests(policy, certificates, now),
        roots=tuple(
            _summarize_root(item, now, live[item.id]) for item in certificates if item.kind == "root"
        ),
        signers=tuple(
            summarize_signer(item, now)
            for item in certificates
            if item.kind == "signer" and now <= item.not_after
        ),
        counts=store.counts(now),
        recipients=list_recipients(policy, read_key_names(store), policy, read_probation(store)),
        archives=archives,
        undrilled=_list_undrilled(policy, archives, now),
        journal_sequence=entry.sequence if entry else 0,
        journal_head=head,
        journal_words=fingerprint_words(bytes.fromhex(head)) if head else (),
        clock=clock,
    )


def summarize_signer(signer: Certificate, now: datetime) -> results.SignerSummary:
    """Return what a person tells a signer from others by."""
    return results.SignerSummary(
        id=signer.id,
        path=signer.path,
        lane=signer.lane or 0,
        period=signer.period,
        status=signer.status(now),
        serial=f"{signer.serial:040x}",
        not_before=signer.not_before,
        not_after=signer.not_after,
    )


def _list_coverage(
    policy: Policy, certificates: tuple[Certificate, ...], now: datetime
) -> tuple[results.TargetCoverage, ...]:
    """Return one row a target: its lowest lane counts."""
    signer_lead = lead_days(policy.signers.lead_time)
    root_lead = max(signer_lead, lead_days(policy.roots.lead_time))
    lanes: dict[tuple[str, str], list[tuple[datetime, int]]] = {}
    for lane in find_coverage(policy, certificates, now):
        path = (lane.class_name or "", lane.target or "")
        lanes.setdefault(path, []).append((lane.until, lane.lane or 1))
    return tuple(
        results.TargetCoverage(
            class_name=class_name,
            target=target,
            lanes=len(ends),
            lowest_lane=min(ends)[1],
            until=min(ends)[0],
            lead_days=signer_lead if target else root_lead,
        )
        for (class_name, target), ends in lanes.items()
    )


def _list_requests(
    policy: Policy, certificates: tuple[Certificate, ...], now: datetime
) -> tuple[results.RequestsDue, ...]:
    """Return what no top-up can fill, one row a target; gaps come earliest first."""
    gaps: dict[str, list[datetime]] = {}
    for gap in find_gaps(policy, certificates, now).requests:
        gaps.setdefault(gap.path, []).append(gap.issue_from)
    return tuple(
        results.RequestsDue(path=path, gaps=len(starts), issue_from=starts[0])
        for path, starts in gaps.items()
    )


def _summarize_root(root: Certificate, now: datetime, signers: int) -> results.RootSummary:
    return results.RootSummary(
        id=root.id,
        period=root.period,
        status=root.status(now),
        sha256=root.sha256,
        words=fingerprint_words(bytes.fromhex(root.sha256)),
        serial=f"{root.serial:040x}",
        not_before=root.not_before,
        not_after=root.not_after,
        signers=signers,
    )


def _summarize_box(store: Store) -> results.BoxSummary:
    key = load_box_key(store).public
    return results.BoxSummary(key=key, words=box_words(key))


def _list_archives(store: Store, policy: Policy) -> tuple[results.ArchiveState, ...]:
    """Return the newest archive of every egress and backup of the policy."""
    newest = {(item.kind, item.name): item for item in store.archives()}
    written = {(item.kind, item.name): item for item in store.archives() if item.written_at}
    rows = []
    uses: tuple[tuple[ArchiveKind, Iterable[str]], ...] = (
        ("egress", policy.egresses),
        ("backup", policy.backups),
    )
    for kind, names in uses:
        for name in names:
            archive, seen = newest.get((kind, name)), written.get((kind, name))
            rows.append(
                results.ArchiveState(
                    kind=kind,
                    name=name,
                    sequence=archive.sequence if archive else None,
                    created=archive.created if archive else None,
                    written=seen.written_at if seen else None,
                    written_sequence=seen.sequence if seen else None,
                    drilled=_drilled_at(store, name) if kind == "backup" else None,
                )
            )
    return tuple(rows)


def _drilled_at(store: Store, name: str) -> datetime | None:
    at = store.fact(f"drilled {name}")
    return datetime.fromisoformat(at) if at else None


def _list_undrilled(
    policy: Policy, archives: Iterable[results.ArchiveState], now: datetime
) -> tuple[str, ...]:
    """Return the backups that no drill has proven for drill_every_days."""
    oldest = now - timedelta(days=policy.drill_every_days)
    return tuple(
        item.name
        for item in archives
        if item.kind == "backup" and (item.drilled is None or item.drilled < oldest)
    )
