"""What a top-up, signed requests and an archive cost: how long each phase takes beside the others.

Measured on an x86 PC, Ed25519 and RSA. On a slower machine all of it takes longer, and the ratios, which
alone count, stay near. With RSA it is keys that take the time: made, or read, since the library then proves
their primes.
"""

import os
from collections.abc import Iterable
from itertools import groupby
from typing import Final

from core.archive.contents import Contents
from core.certificate import Certificate
from core.crypto.keys import ALGORITHMS
from core.export.archives import count_files
from core.plan.gaps import Gap, Plan
from core.policy.policy import Policy
from core.progress import Phase

_CERTIFICATE_US: Final = 550  # built, signed, parsed back, checked, stored
_REHEARSAL_US: Final = 1000
_CRL_US: Final = 1500
_LISTED_US: Final = 65  # a certificate on its way into the manifest
_KEY_US: Final = 290  # PBKDF2 and AES
_FILE_US: Final = 65
_PAPERS_US: Final = 5_000
_PAPER_US: Final = 20  # a certificate's part in report and chart


def runs_of(gaps: Iterable[Gap]) -> tuple[tuple[Gap, ...], ...]:
    """Return signers' gaps in runs of one target and one start: each run has one issuance."""
    return tuple(tuple(run) for _, run in groupby(gaps, key=lambda gap: (gap.issue_from, gap.path)))


def cost_of_top_up(policy: Policy, plan: Plan, certificates: Iterable[Certificate]) -> dict[str, Phase]:
    """Return the phases of a top-up.

    Args:
        policy: The approved policy.
        plan: What is to be issued.
        certificates: The roots that were issued, among others.
    """
    runs, root = runs_of(plan.signers), ALGORITHMS[policy.algorithm]
    signed_us = sum(len(run) * _signer_us(policy, run[0]) for run in runs)
    issuers = _count_issuers(plan, certificates)
    rehearsed_us = len(runs) * _REHEARSAL_US + issuers * (root.load_us + root.make_us)
    return _cost_of_roots(policy, plan) | {
        "rehearsal": Phase(units=len(runs), cost_us=rehearsed_us / max(1, len(runs))),
        "signer": Phase(units=len(plan.signers), cost_us=signed_us / max(1, len(plan.signers))),
    }


def cost_of_requests(
    policy: Policy, plan: Plan, certificates: Iterable[Certificate], requests: int
) -> dict[str, Phase]:
    """Return the phases of signing requests: as for `cost_of_top_up`, and how many are signed."""
    root = ALGORITHMS[policy.algorithm]
    rehearsed_us = _count_issuers(plan, certificates) * (root.load_us + root.make_us) / max(1, requests)
    signed_us = _REHEARSAL_US + _CERTIFICATE_US + root.sign_us
    return _cost_of_roots(policy, plan) | {
        "request": Phase(units=requests, cost_us=signed_us + rehearsed_us),
    }


def cost_of_archive(policy: Policy, contents: Contents) -> dict[str, Phase]:
    """Return the phases of an archive with its papers.

    Args:
        policy: The approved policy.
        contents: Of the archive.
    """
    root, threads = ALGORITHMS[policy.algorithm], len(os.sched_getaffinity(0))
    read_us = sum(ALGORITHMS[item.algorithm].load_us for item in contents.with_keys())
    keys, number = len(contents.key_ids), len(contents.certificates)
    return {
        "CRL": Phase(units=len(contents.roots), cost_us=_CRL_US + root.load_us + root.sign_us),
        "seal": Phase(units=len(contents.seals), cost_us=root.load_us),
        "certificate": Phase(units=number, cost_us=_LISTED_US),
        "key": Phase(units=keys, cost_us=read_us / max(1, keys) + _KEY_US / threads),
        "file": Phase(units=count_files(contents), cost_us=_FILE_US),
        "papers": Phase(units=1, cost_us=_PAPERS_US + number * _PAPER_US),
    }


def _cost_of_roots(policy: Policy, plan: Plan) -> dict[str, Phase]:
    """Return the phases of the roots: each has a key, a seal's key, and a rehearsal with a third."""
    root, number = ALGORITHMS[policy.algorithm], len(plan.roots)
    sealed_us = _CERTIFICATE_US + _REHEARSAL_US + root.load_us + 2 * root.make_us
    return {
        "root": Phase(units=number, cost_us=_CERTIFICATE_US + root.make_us, once_us=root.make_us),
        "seal": Phase(units=number, cost_us=sealed_us),
    }


def _signer_us(policy: Policy, gap: Gap) -> float:
    """Return what a signer takes; slow keys are made on all cores."""
    target = policy.signers.classes[gap.class_name or ""][gap.target or ""]
    algorithm = ALGORITHMS[policy.algorithm_of(target)]
    threads = len(os.sched_getaffinity(0)) if algorithm.slow else 1
    return _CERTIFICATE_US + ALGORITHMS[policy.algorithm].sign_us + algorithm.make_us / threads


def _count_issuers(plan: Plan, certificates: Iterable[Certificate]) -> int:
    """Return how many roots sign for a plan, as near as dates tell."""
    roots: list[Gap | Certificate] = [*plan.roots]
    roots += [item for item in certificates if item.kind == "root" and item.revoked_at is None]
    starts = {gap.issue_from for gap in (*plan.signers, *plan.requests)}
    signing = (
        next((at for at, root in enumerate(roots) if root.issue_from <= start < root.issue_until), None)
        for start in starts
    )
    return len({*signing})
