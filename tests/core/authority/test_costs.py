"""What work is foreseen to cost: tasks that are no longer than a blink, and keys counted once."""

from datetime import datetime

import pytest

from core.authority.costs import cost_of_top_up, runs_of, signers_per_task
from core.certificate import Certificate
from core.crypto.keys import ALGORITHMS, KEY_ALGORITHMS
from core.plan.gaps import find_gaps
from core.policy.policy import Policy
from core.policy.settings import SignerSettings, Target
from core.progress import Phase, work_of
from tests.builders import make_policy, utc

NOW: datetime = utc("2027-02-01")


def policy_of(algorithm: str, own: str, load: int = 10) -> Policy:
    target = Target(quantum=0.25, load=load, algorithm=own)
    signers = SignerSettings(lead_time=0.5, classes={"services": {"mongo": target}})
    return make_policy(algorithm=algorithm, signers=signers)


def phases(policy: Policy, issued: tuple[Certificate, ...] = ()) -> dict[str, Phase]:
    return cost_of_top_up(policy, find_gaps(policy, issued, NOW), issued)


@pytest.mark.parametrize("issuer", KEY_ALGORITHMS)
@pytest.mark.parametrize("own", KEY_ALGORITHMS)
def test_a_task_takes_a_twentieth_of_a_second_at_most_or_is_one_signer(issuer: str, own: str) -> None:
    number = signers_per_task(issuer, own)
    crypto_us = ALGORITHMS[issuer].sign_us + ALGORITHMS[issuer].verify_us + ALGORITHMS[own].make_us
    assert number == 1 or number * crypto_us < 50_000
    assert (number == 1) == ALGORITHMS[own].slow


def test_every_signer_and_every_run_is_counted() -> None:
    policy = policy_of("ed25519", "ed25519")
    plan = find_gaps(policy, (), NOW)
    found = phases(policy)
    assert found["signer"].units == len(plan.signers) > 0
    assert found["rehearsal"].units == len(runs_of(plan.signers)) > 0
    assert found["root"].units == found["seal"].units == len(plan.roots) > 0


def test_the_roots_throwaway_key_is_counted_once_and_so_is_each_of_another_algorithm() -> None:
    own, other = phases(policy_of("rsa3072", "rsa3072")), phases(policy_of("rsa3072", "rsa4096"))
    assert own["root"].once_us == other["root"].once_us == ALGORITHMS["rsa3072"].make_us
    assert own["rehearsal"].once_us == 0
    assert other["rehearsal"].once_us == ALGORITHMS["rsa4096"].make_us


def test_twice_the_lanes_are_twice_the_work() -> None:
    small, large = phases(policy_of("ed25519", "p384", 100)), phases(policy_of("ed25519", "p384", 200))
    assert 1.9 < work_of(large) / work_of(small) < 2.0
