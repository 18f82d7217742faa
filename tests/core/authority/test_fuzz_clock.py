"""The clock set to any date at any step: between unlock and export, before the journal, years 1 to 9999.

An act is done or refused with a code; one that was refused has changed nothing; the state opens afterwards,
and its clock can be put right.
"""

import io
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Final

import msgspec
import pytest

from core.authority.authority import Authority
from core.authority.clock import YEARS_AHEAD
from core.errors import CaError
from core.policy.settings import CrlSettings, RootSettings
from core.progress import report_nothing
from core.store import journal
from core.times import RELEASED, UNTIL
from tests.authorities import BOOT, NOW, Founded, found
from tests.fuzzing import Fuzzer

FIRST: Final = datetime(1, 1, 1, tzinfo=UTC)
LAST: Final = datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)
_EDGES: Final = (
    *(UNTIL, UNTIL - timedelta(seconds=1), UNTIL - timedelta(days=400)),
    *(
        FIRST,
        FIRST + timedelta(days=366),
        datetime(1899, 12, 31, tzinfo=UTC),
        datetime(1970, 1, 1, tzinfo=UTC),
    ),
    *(datetime(2038, 1, 19, 3, 14, 8, tzinfo=UTC), datetime(2049, 12, 31, 23, 59, 59, tzinfo=UTC)),
    *(datetime(2050, 1, 1, tzinfo=UTC), datetime(2106, 2, 7, 6, 28, 16, tzinfo=UTC)),
    *(datetime(2242, 3, 16, 12, 56, 32, tzinfo=UTC), datetime(9990, 1, 1, tzinfo=UTC)),
    *(datetime(9998, 12, 31, 23, 59, 59, tzinfo=UTC), LAST, RELEASED, RELEASED - timedelta(seconds=1)),
)
_STEPS: Final = (
    *(timedelta(), timedelta(seconds=1), timedelta(minutes=1), timedelta(days=1), timedelta(days=29)),
    *(timedelta(days=90), timedelta(days=120), timedelta(days=180), YEARS_AHEAD, timedelta(days=3660)),
)
Act = Callable[[datetime], object]


def draw_time(random: Random, before: datetime) -> datetime:
    """Draw a time: mostly near the last one, else any, in whole seconds."""
    match random.randrange(8):
        case 0:
            return random.choice(_EDGES)
        case 1:
            return FIRST + timedelta(seconds=random.randrange(int((LAST - FIRST).total_seconds())))
        case 2 | 3:
            step = -random.choice(_STEPS)
        case _:
            step = random.choice(_STEPS)
    return before + step if FIRST - before <= step <= LAST - before else before


def acts_of(random: Random, authority: Authority) -> tuple[Act, ...]:
    """Return what can be done at a time."""
    signer = random.choice(authority.certificates())
    archive = random.choice((("egress", "main-kudo"), ("backup", "main-backup")))
    public = random.random() < 0.5
    roots = RootSettings(quantum=random.choice((1.0, 5.0)), lead_time=random.choice((1.0, 20.0)))
    policy = msgspec.structs.replace(
        authority.policy, roots=roots, crl=CrlSettings(lifetime_days=random.choice((120, 400)))
    )
    return (
        authority.status,
        authority.correct_clock,
        authority.correct_clock,
        partial(_top_up, authority),
        partial(_top_up, authority),
        lambda now: authority.write_archive(*archive, io.BytesIO(), now, report_nothing, public=public),
        lambda now: authority.foresee_archive(*archive, now, public=public, topped_up=True),
        lambda now: authority.confirm_written(*archive, 1, "PISM-ALL", now),
        lambda now: authority.revoke(signer.id, "superseded", now),
        lambda now: authority.approve_policy(policy, now),
        lambda now: authority.note_seal("123", now),
        lambda now: authority.record_drill(None, "a b c d e f", now),
        lambda now: authority.propose_requests((), now),
    )


def _top_up(authority: Authority, now: datetime) -> object:
    return authority.top_up(now, report_nothing)


def seen(authority: Authority) -> tuple[object, ...]:
    """Return what an act could change."""
    return (list(authority.entries())[-1], authority.certificates(), authority.policy)


@pytest.fixture(scope="module")
def once(tmp_path_factory: pytest.TempPathFactory) -> Founded:
    return found(tmp_path_factory.mktemp("founded") / "state")


@pytest.mark.fuzz("clocks")
def test_under_any_clock_an_act_is_done_or_refused_and_the_state_opens(once: Founded, fuzzer: Fuzzer) -> None:
    def check(random: Random) -> None:
        with TemporaryDirectory() as folder:
            founded = once.copy(Path(folder) / "state")
            now = draw_time(random, NOW)
            told: list[str] = []
            try:
                for _ in range(random.randint(1, 2)):
                    opening = founded.unlock if random.randrange(4) == 0 else founded.open
                    with opening(now) as authority:
                        for _ in range(random.randint(1, 6)):
                            act = random.choice(acts_of(random, authority))
                            before = seen(authority)
                            told.append(f"{act} at {now}")
                            try:
                                with fuzzer.answer():
                                    act(now)
                            except CaError:
                                fuzzer.counted["refused"] += 1
                                assert seen(authority) == before
                            else:
                                fuzzer.counted["done"] += 1
                            now = draw_time(random, now)
                with founded.unlock(NOW, BOOT) as authority:
                    authority.correct_clock(NOW)
                    authority.top_up(NOW, report_nothing)
                    authority.write_archive(
                        "backup", "main-backup", io.BytesIO(), NOW, report_nothing, public=True
                    )
                with founded.open_store() as store:
                    journal.verify(store)
            except BaseException as error:
                error.add_note("\n".join(told))
                raise

    fuzzer.run(check, inputs=6)
