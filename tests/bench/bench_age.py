"""What a store costs that is old: unlock, status, top-up, export against a young one; a life of forty years.

Processor time and peak memory, without the key derivation; each step in a process of its own, the two sizes
by turns. What is over is made up: rows and bodies as large as real ones, in journaled batches.

Run by `make bench`, or alone: `python tests/bench/bench_age.py`. Prints what it saw.
"""

import io
import shutil
import time
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.bench.children import Measured, peak_mb, run, serve, step

if TYPE_CHECKING:
    from collections.abc import Iterator

    from core.authority.authority import Authority
    from core.policy.policy import Policy

SMALL, LARGE = 1_000, 100_000
DUE = 100
BATCH = 500
ROUNDS, UNLOCKS = 3, 10
MAX_UNLOCK_RATIO = 1.3
MAX_TOP_UP_RATIO = 1.2
MAX_PEAK_RATIO = 1.2
YEARS, YOUNG, VISITS_A_YEAR = 40, 2, 4
LIFE_ROUNDS = 6
MAX_LIFE_RATIO = 1.2
SHIPPED = Path(__file__).parents[2] / "config.yaml"


@step
def fill(folder: Path, count: int) -> Measured:
    """Found an authority whose store holds `count` signers that are over, and nothing that lives."""
    from core.authority.authority import Authority
    from core.store import journal
    from core.store.keyslots import KdfCost
    from tests.bench.loads import NOW, bench_policy
    from tests.builders import utc
    from tests.core.opened import PASSPHRASE, make_issued, master_key

    ended = {
        "issue_from": utc("2020-01-01"),
        "issue_until": utc("2020-04-01"),
        "not_after": utc("2020-05-01"),
    }
    authority = Authority.found(folder / str(count), bench_policy(DUE), PASSPHRASE, KdfCost(), NOW)
    store = authority._store
    for first in range(1, count + 1, BATCH):
        batch = [make_issued(number, **ended) for number in range(first, min(first + BATCH, count + 1))]
        pairs = [[item.certificate.id, item.certificate.sha256] for item in batch]
        with store.transaction():
            store.add(batch)
            journal.append(store, "issue", {"certificates": pairs}, NOW)
        with store.transaction():
            store.erase_keys(store.past_use(NOW))
            journal.append(store, "erase", {"keys": [pair[0] for pair in pairs]}, NOW)
    authority.close()
    key_of(folder, count).write_bytes(master_key(folder / str(count)))
    return {"store_mb": (folder / str(count) / "store" / "store.db").stat().st_size / 1e6}


def key_of(folder: Path, count: int) -> Path:
    """Return where the key of a store's database stands, so that no step derives it: that takes 64 MiB."""
    return folder / f"{count}.key"


@contextmanager
def unlocked(state: Path, key: bytes, policy: "Policy", now: datetime) -> "Iterator[Authority]":
    """Unlock as the authority does, behind the key derivation."""
    from core.authority.authority import Authority
    from core.authority.passphrase import journal_unlock
    from core.store import journal
    from tests.core.opened import open_with

    with open_with(state, key) as store:
        journal.prove(store)
        authority = Authority(store, now, "bench")
        journal_unlock(store, policy, state, now, None)
        yield authority


@step
def visit(folder: Path, count: int) -> Measured:
    """Unlock and see the status, top up, and export; each with a quickest round."""
    from core.progress import report_nothing
    from tests.bench.loads import NOW, bench_policy

    policy, key = bench_policy(DUE), key_of(folder, count).read_bytes()
    seen: Measured = {}

    def keep(name: str, start: float) -> None:
        took_ms = (time.process_time() - start) * 1e3
        seen[name] = min(took_ms, seen.get(name, took_ms))

    for _ in range(ROUNDS):
        state = folder / f"round-{count}"
        shutil.copytree(folder / str(count), state)
        with unlocked(state, key, policy, NOW) as authority:
            start = time.process_time()
            assert authority.top_up(NOW, report_nothing).signers == DUE
            keep("top_up_ms", start)
        for _ in range(UNLOCKS):
            start = time.process_time()
            with unlocked(state, key, policy, NOW) as authority:
                assert len(authority.status(NOW).signers) == DUE
                keep("unlock_ms", start)
        with unlocked(state, key, policy, NOW) as authority:
            start = time.process_time()
            authority.write_archive("egress", "main-kudo", io.BytesIO(), NOW, report_nothing, public=True)
            keep("export_ms", start)
        shutil.rmtree(state)
    return seen | {"peak_mb": peak_mb()}


@step
def back_up(folder: Path, count: int) -> Measured:
    """Make a backup, which reads all, in a process of its own."""
    from core.progress import report_nothing
    from tests.bench.loads import NOW, bench_policy

    state, out = folder / f"backup-{count}", folder / "archive"
    shutil.copytree(folder / str(count), state)
    with unlocked(state, key_of(folder, count).read_bytes(), bench_policy(DUE), NOW) as authority:
        authority.top_up(NOW, report_nothing)
        start = time.process_time()
        with out.open("wb") as file:
            authority.write_archive("backup", "main-backup", file, NOW, report_nothing, public=True)
        seconds = time.process_time() - start
    shutil.rmtree(state)
    return {"seconds": seconds, "archive_mb": out.stat().st_size / 1e6, "peak_mb": peak_mb()}


@step
def live(folder: Path, years: int) -> Measured:
    """Visit a box of the shipped policy four times a year, and keep its state after two years and at the end.

    The first visits fill the calendar; from the third year on all years are alike.
    """
    import pyrage

    from core.authority.authority import Authority
    from core.policy.proposal import propose_policy
    from core.store.keyslots import KdfCost
    from tests.core.opened import PASSPHRASE, master_key

    shutil.copy(SHIPPED, folder / "config.yaml")
    (folder / "keys").mkdir()
    for name in ("main-kudo", "backup-a", "backup-b"):
        public = pyrage.x25519.Identity.generate().to_public()
        (folder / "keys" / f"{name}.pub").write_text(f"{public}\n")
    policy, _ = propose_policy(folder / "config.yaml")
    Authority.found(folder / "life", policy, PASSPHRASE, KdfCost(), day_of(0)).close()
    key = master_key(folder / "life")
    for number in range(years * VISITS_A_YEAR):
        if number == YOUNG * VISITS_A_YEAR:
            shutil.copytree(folder / "life", folder / str(YOUNG))
        visit_once(folder / "life", key, policy, number)
    (folder / "life").rename(folder / str(years))
    return {}


def day_of(number: int) -> datetime:
    """Return when a visit is, from 0."""
    from tests.builders import utc

    return utc("2027-01-07T09:30") + timedelta(days=round(number * 365.25 / VISITS_A_YEAR))


def visit_once(state: Path, key: bytes, policy: "Policy", number: int) -> int:
    """Unlock, top up, export, confirm, and see the status; return how many certificates are stored."""
    from core.progress import report_nothing

    now = day_of(number)
    with unlocked(state, key, policy, now) as authority:
        authority.top_up(now, report_nothing)
        written = authority.write_archive(
            "egress", "main-kudo", io.BytesIO(), now, report_nothing, public=True
        )
        authority.confirm_written("egress", "main-kudo", written.sequence, "PISM-EXPORT", now)
        authority.status(now)
        return authority._store.count


@step
def next_visits(folder: Path, years: int) -> Measured:
    """Make the next visit, of one season, to the box when it was young and when it is old, by turns."""
    from core.policy.proposal import propose_policy
    from tests.core.opened import master_key

    policy, _ = propose_policy(folder / "config.yaml")
    key = master_key(folder / str(years))
    seen: Measured = {}
    for _ in range(LIFE_ROUNDS):
        for name, age in (("young", YOUNG), ("old", years)):
            state = folder / "round"
            shutil.copytree(folder / str(age), state)
            start = time.process_time()
            stored = visit_once(state, key, policy, age * VISITS_A_YEAR)
            seconds = time.process_time() - start
            seen[f"{name}_s"] = min(seconds, seen.get(f"{name}_s", seconds))
            seen[f"{name}_certificates"] = stored
            shutil.rmtree(state)
    return seen


@pytest.mark.bench
def test_what_is_over_costs_nothing(tmp_path: Path) -> None:
    seen: dict[int, list[Measured]] = {SMALL: [], LARGE: []}
    for count in seen:
        run(fill, tmp_path, count)
    for _ in range(2):
        for count in (SMALL, LARGE):
            seen[count].append(run(visit, tmp_path, count))
    small, large = ({name: min(each[name] for each in rows) for name in rows[0]} for rows in seen.values())
    print(f"\n{SMALL} stored: {_rounded(small)}\n{LARGE} stored: {_rounded(large)}")
    unlock, top_up, export = (large[name] / small[name] for name in ("unlock_ms", "top_up_ms", "export_ms"))
    print(f"  unlock and status at {LARGE} against {SMALL}: {unlock:.2f} (at most {MAX_UNLOCK_RATIO})")
    print(f"  top-up of {DUE}, the same: {top_up:.2f} (at most {MAX_TOP_UP_RATIO})")
    print(f"  export of {DUE}, the same: {export:.2f}")
    peak = large["peak_mb"] / small["peak_mb"]
    print(f"  peak memory of all three, the same: {peak:.2f} (at most {MAX_PEAK_RATIO})")
    backups = [run(back_up, tmp_path, count) for count in (SMALL, LARGE)]
    growth = backups[1]["peak_mb"] / backups[0]["peak_mb"]
    print(f"  backups: {[_rounded(each) for each in backups]}")
    print(f"  peak memory of a backup, the same: {growth:.2f} (at most {MAX_PEAK_RATIO})")
    assert unlock <= MAX_UNLOCK_RATIO
    assert top_up <= MAX_TOP_UP_RATIO
    assert max(peak, growth) <= MAX_PEAK_RATIO


@pytest.mark.bench
def test_a_visit_after_forty_years_costs_what_one_after_two_did(tmp_path: Path) -> None:
    run(live, tmp_path, YEARS)
    seen = run(next_visits, tmp_path, YEARS)
    ratio = seen["old_s"] / seen["young_s"]
    print(f"\na life of {YEARS} years, {YEARS * VISITS_A_YEAR} visits: {_rounded(seen)}")
    print(f"  a visit after {YEARS} years against one after {YOUNG}: {ratio:.2f} (at most {MAX_LIFE_RATIO})")
    assert ratio <= MAX_LIFE_RATIO


def _rounded(seen: Measured) -> dict[str, float]:
    return {name: round(value, 2) for name, value in seen.items()}


if __name__ == "__main__":
    serve(__file__)
