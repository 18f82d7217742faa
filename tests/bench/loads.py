"""Policies that make a top-up issue exactly so many signers."""

from typing import Final

from core.policy.policy import Policy
from core.policy.settings import RootSettings, SignerSettings, Target
from tests.builders import make_policy, utc

NOW: Final = utc("2027-02-01")
MAX_LOAD: Final = 10_000  # that a policy allows for one target


def bench_policy(count: int, **sections: object) -> Policy:
    """Return a policy whose top-up at NOW issues exactly `count` signers, of one period."""
    loads = [MAX_LOAD] * (count // MAX_LOAD) + [count % MAX_LOAD] * (count % MAX_LOAD > 0)
    targets = {f"t{number}": Target(quantum=2.0, load=load) for number, load in enumerate(loads)}
    return make_policy(
        visit_every_days=60,
        spread_days=7,
        roots=RootSettings(quantum=2.0, lead_time=0.5),
        signers=SignerSettings(lead_time=0.25, classes={"bench": targets}),
        **sections,
    )
