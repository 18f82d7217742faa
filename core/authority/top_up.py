"""The top-up: issue whatever the plan asks for, commit by commit, and erase signer keys that are past use.

1. Roots first, each with its seal and its first CRL in one transaction (design 3, Revocation). A live root
   whose seal was revoked, or is of format 1, gets another one.
2. Every target's profile is rehearsed once, under each root that signs for it, before any signer is signed.
3. Signers are committed in batches; each batch is one transaction with its journal entry. Whatever ends
   the work between two commits, the next top-up goes on where it stopped. A stop commits first.
4. Signer keys are erased once their issuing period is over or they are revoked; certificates stay.
"""

from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from itertools import chain
from typing import Final

from core.archive.seal import is_current
from core.authority.costs import cost_of_top_up, runs_of, signers_per_task
from core.certificate import Issued
from core.cores import map_on_cores
from core.crypto.keys import ALGORITHMS, make_keys
from core.errors import StoppedError
from core.issue.crl import sign_crl
from core.issue.issuance import (
    Issuance,
    Issuances,
    load_issuing_key,
    load_root,
    rehearse_roots,
    rehearse_seals,
)
from core.plan.gaps import Gap, Plan, find_gaps
from core.policy.policy import Policy
from core.progress import Progress, Report, Weighed
from core.store import journal
from core.store.store import Store

FAST_BATCH: Final = 500

SLOW_BATCH: Final = 8  # RSA: a batch of keys takes seconds, and that much at most is lost to a power cut


@dataclass(frozen=True, slots=True, kw_only=True)
class ToppedUp:
    """What a top-up did: certificates issued, keys erased, roots that start without their spread."""

    roots: int
    signers: int
    erased_keys: int
    late_roots: int


def top_up(store: Store, policy: Policy, now: datetime, report: Report) -> ToppedUp:
    """Issue all that the plan asks for at `now`.

    Args:
        store: Open, in no transaction.
        policy: The approved policy.
        now: Aware UTC, whole seconds.
        report: Told of roots, seals, rehearsals and signers between two of them, all on one scale;
            StoppedError from it ends the work.

    Raises:
        CheckError: A named rule failed; the certificate it failed on was not kept (E-CHECK).
        StoppedError: From `report`.
    """
    certificates = store.certificates(alive_at=now)
    plan = find_gaps(policy, certificates, now)
    weighed = Weighed(report, cost_of_top_up(policy, plan, certificates))
    erased = _erase_keys(store, now)
    _replace_seals(store, policy, now, weighed)
    found_roots(store, policy, plan, now, weighed)
    _issue_signers(store, policy, plan, now, weighed)
    return ToppedUp(
        roots=len(plan.roots),
        signers=len(plan.signers),
        erased_keys=erased,
        late_roots=len(plan.late_roots(policy, now)),
    )


def _replace_seals(store: Store, policy: Policy, now: datetime, report: Report) -> None:
    """Issue a seal under every live root, not expired, that has none which is live and of format 2."""
    issued = store.certificates(alive_at=now)
    live = {item.id: item for item in issued if item.revoked_at is None and now <= item.not_after}
    seals = {item.id: item.issuer for item in live.values() if item.kind == "seal"}
    sealed = {seals[id_] for id_, der in store.ders(list(seals)) if is_current(der)}
    for root in live.values():
        if root.kind == "root" and root.id not in sealed:
            report(Progress(done=0, total=0, what="another seal"))
            seal = rehearse_seals(policy, load_root(store, root)).issue_seal(now)
            _commit(store, [seal], now)


def found_roots(store: Store, policy: Policy, plan: Plan, now: datetime, report: Report) -> None:
    """Issue the roots of a plan, each with its seal and its first CRL in one transaction (rule 1).

    Args:
        store: Open, in no transaction.
        policy: The approved policy.
        plan: From `find_gaps`, for what the store holds.
        now: Aware UTC, whole seconds.
        report: Told of roots and seals, by turns.

    Raises:
        CheckError: A named rule failed (E-CHECK).
        StoppedError: From `report`.
    """
    if not plan.roots:
        return
    total = len(plan.roots)
    report(Progress(done=0, total=total, what="root"))
    issuance = rehearse_roots(policy)
    with closing(make_keys(policy.algorithm, 2 * total)) as keys:
        for done, gap in enumerate(plan.roots):
            report(Progress(done=done, total=total, what="seal"))
            root = issuance.issue(gap, now, next(keys))
            report(Progress(done=done + 1, total=total, what="root"))
            issuing_key = load_issuing_key(root.certificate, root.der, root.key)
            seal = rehearse_seals(policy, issuing_key).issue_seal(now, next(keys))
            with store.transaction():
                store.add([root, seal])
                store.put_crl(sign_crl(issuing_key, (), 0, policy.crl.lifetime_days, now))
                _journal_issue(store, [root, seal], now)
    report(Progress(done=total, total=total, what="seal"))


def _issue_signers(store: Store, policy: Policy, plan: Plan, now: datetime, report: Report) -> None:
    total, done = len(plan.signers), 0
    tasks = _rehearse(store, policy, plan.signers, report)
    batch: list[Issued] = []
    try:
        with closing(map_on_cores(lambda task: task[0].issue_all(task[1], now), tasks)) as made:
            for issued in chain.from_iterable(made):
                batch.append(issued)
                done += 1
                limit = SLOW_BATCH if ALGORITHMS[issued.certificate.algorithm].slow else FAST_BATCH
                if len(batch) >= limit or done == total:
                    _commit(store, batch, now)
                    batch = []
                report(Progress(done=done, total=total, what="signer"))
    except StoppedError:
        _commit(store, batch, now)
        raise
    if not total:
        report(Progress(done=0, total=0, what="signer"))


def _rehearse(
    store: Store, policy: Policy, gaps: Sequence[Gap], report: Report
) -> Iterator[tuple[Issuance, Sequence[Gap]]]:
    """Return the gaps in their order, a task at a time, once all of their profiles were rehearsed."""
    issuances = Issuances(store, policy)
    runs = runs_of(gaps)
    rehearsed = []
    for done, run in enumerate(runs):
        report(Progress(done=done, total=len(runs), what="rehearsal"))
        rehearsed.append(issuances.find(run[0]))
    report(Progress(done=len(runs), total=len(runs), what="rehearsal"))
    return (
        (issuance, run[start : start + size])
        for issuance, run in zip(rehearsed, runs, strict=True)
        for size in (signers_per_task(policy.algorithm, issuance.algorithm),)
        for start in range(0, len(run), size)
    )


def _commit(store: Store, batch: list[Issued], now: datetime) -> None:
    if not batch:
        return
    with store.transaction():
        store.add(batch)
        _journal_issue(store, batch, now)


def _journal_issue(store: Store, batch: list[Issued], now: datetime) -> None:
    certificates = [[item.certificate.id, item.certificate.sha256] for item in batch]
    journal.append(store, "issue", {"certificates": certificates}, now)


def _erase_keys(store: Store, now: datetime) -> int:
    """Erase the keys of signers whose issuing period is over; return how many."""
    over = store.past_use(now)
    if over:
        with store.transaction():
            store.erase_keys(over)
            journal.append(store, "erase", {"keys": list(over)}, now)
    return len(over)
