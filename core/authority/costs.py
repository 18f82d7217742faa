"""What a top-up, signed requests and an archive cost: how long each phase takes beside the others.

Measured on one core of an x86 PC, and for more of them worked out: what one core at a time can do (the
interpreter's work, and making keys other than RSA's) and what all can (core.cores). On a slower machine all
of it takes longer, and the ratios, which alone count, stay near.
"""

from collections.abc import Iterable
from itertools import groupby
from typing import Final

from core.archive.contents import Contents
from core.certificate import Certificate
from core.cores import count_cores
from core.crypto.keys import ALGORITHMS, Algorithm
from core.export.archives import count_files
from core.plan.gaps import Gap, Plan
from core.policy.policy import Policy
from core.progress import Phase

TASK_US: Final = 20_000  # on a PC: long beside what handing it over takes, short beside a person's patience
_CERTIFICATE_US: Final = 150  # filled in, parsed back, checked, stored: all but its key and signature
_REHEARSAL_US: Final = 250
_FOUNDED_US: Final = 1500  # a root's transaction: two certificates and a list
_CRL_US: Final = 1500
_LISTED_US: Final = 27  # a certificate on its way into the manifest; its key is read, too
_SEALED_US: Final = 21  # its part in what is done before the first file: the manifest, its hash
_KEY_US: Final = 250  # PBKDF2 and AES
_FILE_US: Final = 22
_BYTE_US: Final = 0.026  # a byte of a large certificate
_PAPERS_US: Final = 5_000
_PAPER_US: Final = 15  # a certificate's part in report and chart


def runs_of(gaps: Iterable[Gap]) -> tuple[tuple[Gap, ...], ...]:
    """Return signers' gaps in runs of one target and one start: each run has one issuance."""
    return tuple(tuple(run) for _, run in groupby(gaps, key=lambda gap: (gap.issue_from, gap.path)))


def signers_per_task(issuer: str, own: str) -> int:
    """Return how many signers a thread makes before it gives them away: about what takes TASK_US on a PC.

    Args:
        issuer: Algorithm of the root, named as in config.yaml.
        own: Algorithm of the signers' keys.
    """
    root, key = ALGORITHMS[issuer], ALGORITHMS[own]
    each_us = _CERTIFICATE_US + root.sign_us + root.verify_us + key.make_us
    return max(1, TASK_US // each_us)


def cost_of_top_up(policy: Policy, plan: Plan, certificates: Iterable[Certificate]) -> dict[str, Phase]:
    """Return the phases of a top-up.

    Args:
        policy: The approved policy.
        plan: What is to be issued.
        certificates: The roots that were issued, among others.
    """
    runs, root = runs_of(plan.signers), ALGORITHMS[policy.algorithm]
    own = [_algorithm_of(policy, run[0]) for run in runs]
    signed_us = sum(
        len(run) * _signer_us(root, ALGORITHMS[name]) for run, name in zip(runs, own, strict=True)
    )
    rehearsed_us = len(runs) * (_REHEARSAL_US + root.sign_us + root.verify_us)
    rehearsed_us += _count_issuers(plan, certificates) * root.load_us
    throwaway = {policy.algorithm, *own} - ({policy.algorithm} if plan.roots else set())
    return _cost_of_roots(policy, plan) | {
        "rehearsal": Phase(
            units=len(runs),
            cost_us=rehearsed_us / max(1, len(runs)),
            once_us=sum(ALGORITHMS[name].make_us for name in throwaway),
        ),
        "signer": Phase(units=len(plan.signers), cost_us=signed_us / max(1, len(plan.signers))),
    }


def cost_of_requests(
    policy: Policy, plan: Plan, certificates: Iterable[Certificate], requests: int
) -> dict[str, Phase]:
    """Return the phases of signing requests: as for `cost_of_top_up`, and how many are signed."""
    root = ALGORITHMS[policy.algorithm]
    rehearsed_us = _count_issuers(plan, certificates) * root.load_us / max(1, requests)
    signed_us = _REHEARSAL_US + _CERTIFICATE_US + 2 * (root.sign_us + root.verify_us)
    return _cost_of_roots(policy, plan) | {
        "request": Phase(
            units=requests,
            cost_us=signed_us + rehearsed_us,
            once_us=0 if plan.roots else root.make_us,
        ),
    }


def cost_of_archive(policy: Policy, contents: Contents) -> dict[str, Phase]:
    """Return the phases of an archive with its papers.

    Args:
        policy: The approved policy.
        contents: Of the archive.
    """
    root = ALGORITHMS[policy.algorithm]
    read_us = sum(ALGORITHMS[item.algorithm].load_us for item in contents.with_keys())
    own = [ALGORITHMS[item.algorithm] for item in contents.certificates]
    public_us = sum(algorithm.load_us for algorithm in own) / 3  # what public keys take beside private ones
    large_us = sum(algorithm.size_bytes for algorithm in own) * _BYTE_US
    keys, number, files = len(contents.key_ids), len(contents.certificates), count_files(contents)
    return {
        "CRL": Phase(units=len(contents.roots), cost_us=_CRL_US + root.load_us + root.sign_us),
        "seal": Phase(units=len(contents.seals), cost_us=root.load_us),
        "certificate": Phase(units=number, cost_us=_LISTED_US + public_us / max(1, number)),
        "key": Phase(units=keys, cost_us=read_us / max(1, keys) + _KEY_US / count_cores()),
        "file": Phase(units=files, cost_us=_FILE_US + large_us / files, once_us=number * _SEALED_US),
        "papers": Phase(units=1, cost_us=_PAPERS_US + number * _PAPER_US),
    }


def _cost_of_roots(policy: Policy, plan: Plan) -> dict[str, Phase]:
    """Return the phases of the roots: each has a key, and a seal with a rehearsal and a key."""
    root, number = ALGORITHMS[policy.algorithm], len(plan.roots)
    issued_us = _signer_us(root, root)
    sealed_us = issued_us + _REHEARSAL_US + _FOUNDED_US + root.load_us + 2 * (root.sign_us + root.verify_us)
    return {
        "root": Phase(units=number, cost_us=issued_us, once_us=root.make_us),
        "seal": Phase(units=number, cost_us=sealed_us),
    }


def _signer_us(issuer: Algorithm, own: Algorithm) -> float:
    """Return what one of many certificates takes, its key too, where all cores work on them."""
    anywhere_us = issuer.sign_us + issuer.verify_us + own.make_us * own.slow
    one_at_a_time_us = _CERTIFICATE_US + own.make_us * (not own.slow)
    return max(one_at_a_time_us, (one_at_a_time_us + anywhere_us) / count_cores())


def _algorithm_of(policy: Policy, gap: Gap) -> str:
    return policy.algorithm_of(policy.signers.classes[gap.class_name or ""][gap.target or ""])


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
