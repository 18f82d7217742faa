"""The drill: words that only who opened a backup and every key in it can say, and the box that knows them."""

import hashlib
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.crypto.recipients import fingerprint_words
from core.errors import CaError, StateDamagedError, StoppedError
from core.progress import Progress, report_nothing
from core.recovery.drill import KEPT, Drilled, drill, expect_drill, make_words
from core.recovery.restore import restore
from core.store import journal
from tests.authority_store import make_store
from tests.backups import COST, EVERY_ALGORITHM, FOUNDED, NEW_PASSPHRASE, PastBox, found_box, roots_of
from tests.builders import make_policy, utc

DAY = timedelta(days=1)
TOKEN, MANIFEST = "01" * 32, "02" * 32


def drilled(box: PastBox, backup: Path, **options: Any) -> Drilled:
    given: dict[str, Any] = {"now": FOUNDED + DAY, "report": report_nothing} | options
    return drill(backup, [box.identity], roots_of(box), None, given.pop("now"), **given)


def record(box: PastBox, name: str | None, words: tuple[str, ...] | str, now: Any = FOUNDED + DAY) -> Any:
    authority = box.unlock(now)
    try:
        return authority.record_drill(name, words if isinstance(words, str) else " ".join(words), now)
    finally:
        authority.close()


def refusal(box: PastBox, name: str | None, words: Any, now: Any = FOUNDED + DAY) -> str:
    with pytest.raises(CaError) as caught:
        record(box, name, words, now)
    return caught.value.code


def test_the_box_remembers_a_drill_and_says_so(tmp_path: Path) -> None:
    box = found_box(tmp_path)
    (backup,) = box.visit(FOUNDED, "backup main-backup")
    found = drilled(box, backup)
    assert (found.name, found.sequence, found.created) == ("main-backup", 1, FOUNDED)
    assert len(found.words) == 6
    recorded = record(box, "main-backup", found.words)
    assert (recorded.name, recorded.sequence) == ("main-backup", 1)

    authority = box.unlock(FOUNDED + DAY)
    status = authority.status(FOUNDED + DAY)
    drills = [entry for entry in authority.entries() if entry.act == "drill"]
    late = authority.status(FOUNDED + 182 * DAY)
    authority.close()
    assert status.undrilled == ("other",)
    assert {item.name: item.drilled for item in status.archives if item.kind == "backup"} == {
        "main-backup": FOUNDED + DAY,
        "other": None,
    }
    assert [(entry.detail, entry.time) for entry in drills] == [
        ({"name": "main-backup", "sequence": 1}, FOUNDED + DAY)
    ]
    assert set(late.undrilled) == {"main-backup", "other"}


def test_words_are_found_without_a_name_and_in_any_spelling(tmp_path: Path) -> None:
    box = found_box(tmp_path)
    main, other = box.visit(FOUNDED, "backup main-backup", "backup other")
    assert record(box, None, "  ".join(drilled(box, other).words).upper() + "\n").name == "other"
    assert record(box, None, drilled(box, main).words).name == "main-backup"


def test_words_fit_after_the_keys_were_erased(tmp_path: Path) -> None:
    box = found_box(tmp_path)
    (backup,) = box.visit(FOUNDED, "backup main-backup")
    later = utc("2027-04-10")
    authority = box.unlock(later)
    assert authority.top_up(later, report_nothing).erased_keys > 0
    authority.close()
    assert record(box, "main-backup", drilled(box, backup).words, later).sequence == 1


def test_words_count_once_and_settle_older_ones(tmp_path: Path) -> None:
    box = found_box(tmp_path)
    first, second, third = box.visit(FOUNDED, *["backup main-backup"] * 3)
    words = [drilled(box, backup).words for backup in (first, second, third)]
    assert len(set(words)) == 3
    assert record(box, None, words[1]).sequence == 2
    assert refusal(box, None, words[1]) == "E-DRILL"
    assert refusal(box, None, words[0]) == "E-DRILL"
    assert record(box, None, words[2]).sequence == 3


def test_refuses_words_that_no_backup_waits_for(tmp_path: Path) -> None:
    box = found_box(tmp_path)
    main, _ = box.visit(FOUNDED, "backup main-backup", "backup other")
    words = drilled(box, main).words
    assert refusal(box, "other", words) == "E-DRILL"
    assert refusal(box, "spare", words) == "E-POLICY"
    for wrong in ("", " ".join(words[:5]), " ".join((*words, "zoo")), "zoo " * 10_000, "Wörter"):
        assert refusal(box, None, wrong) == "E-DRILL"
    authority = box.unlock(FOUNDED + DAY)
    assert not [entry for entry in authority.entries() if entry.act == "drill"]
    authority.close()
    assert record(box, "main-backup", words).sequence == 1


def test_a_restored_box_knows_the_words_of_its_backups(tmp_path: Path) -> None:
    box = found_box(tmp_path)
    first, second = box.visit(FOUNDED, *["backup main-backup"] * 2)
    restore(
        second,
        [box.identity],
        (),
        lambda _: True,
        state=tmp_path / "new",
        passphrase=NEW_PASSPHRASE,
        cost=COST,
        now=FOUNDED,
        report=report_nothing,
    )
    new = PastBox(state=tmp_path / "new", identity=box.identity, out=box.out, passphrase=NEW_PASSPHRASE)
    assert record(new, None, drilled(box, first).words).sequence == 1
    assert record(new, None, drilled(box, second).words).sequence == 2


def test_both_sides_hash_the_same_bytes_of_every_algorithm(tmp_path: Path) -> None:
    box = found_box(tmp_path, algorithm="p384", signers=EVERY_ALGORITHM)
    (backup,) = box.visit(FOUNDED, "backup main-backup")
    assert record(box, None, drilled(box, backup).words).sequence == 1


def test_an_egress_cannot_be_drilled(tmp_path: Path) -> None:
    box = found_box(tmp_path)
    (egress,) = box.visit(FOUNDED, "egress main-kudo")
    with pytest.raises(CaError) as caught:
        drilled(box, egress)
    assert caught.value.code == "E-ARCHIVE-KIND"


def test_a_drill_can_be_stopped_and_writes_nothing(tmp_path: Path) -> None:
    box = found_box(tmp_path)
    (backup,) = box.visit(FOUNDED, "backup main-backup")
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}
    seen: list[Progress] = []
    found = drilled(box, backup, report=seen.append)
    steps = [(what, done) for what in ("key", "proof") for done in range(found.keys + 1)]
    assert [(progress.what, progress.done) for progress in seen] == steps
    assert {progress.total for progress in seen} == {found.keys}

    def stop(progress: Progress) -> None:
        raise StoppedError("stopped by the operator")

    with pytest.raises(StoppedError):
        drilled(box, backup, report=stop)
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")} == before


def test_a_box_keeps_the_words_of_its_last_backups_only(tmp_path: Path) -> None:
    with make_store(tmp_path / "state", make_policy(), FOUNDED) as store:
        ids = store.key_ids()
        with store.transaction():
            for sequence in range(1, KEPT + 4):
                expect_drill(store, "main-backup", sequence, f"{sequence:064x}", ids)
            journal.append(store, "backup", {}, FOUNDED)
        fact = store.fact("drills main-backup") or ""
        assert fact.startswith('{"4":')
        assert fact.count('":"') == KEPT


def test_a_list_of_drills_that_cannot_be_read_is_damage(tmp_path: Path) -> None:
    facts = {"drill_token": TOKEN, "drills main-backup": "[]"}
    with (
        make_store(tmp_path / "state", make_policy(), FOUNDED, facts) as store,
        pytest.raises(StateDamagedError),
        store.transaction(),
    ):
        expect_drill(store, "main-backup", 99, MANIFEST, ())


def test_a_store_without_a_token_is_damaged(tmp_path: Path) -> None:
    with (
        make_store(tmp_path / "state", make_policy(), FOUNDED, {}) as store,
        pytest.raises(StateDamagedError),
        store.transaction(),
    ):
        expect_drill(store, "main-backup", 1, MANIFEST, ())


def test_the_box_leaves_out_keys_that_the_backup_has_not(tmp_path: Path) -> None:
    with make_store(tmp_path / "state", make_policy(), FOUNDED, {"drill_token": TOKEN}) as store:
        digests = dict(store.key_digests())
        assert list(digests) == sorted(store.key_ids())
        inside = sorted(digests)[1:]
        with store.transaction():
            expect_drill(store, "main-backup", 1, MANIFEST, inside)
            journal.append(store, "backup", {}, FOUNDED)
        words = make_words(TOKEN, MANIFEST, [digests[id_] for id_ in inside])
        assert store.fact("drills main-backup") == f'{{"1":"{" ".join(words)}"}}'


def test_the_words_are_those_of_the_design() -> None:
    """HMAC-SHA-256 worked out by hand (RFC 2104), 66 bits of it."""
    key = bytes.fromhex(TOKEN).ljust(64, b"\0")
    message = bytes.fromhex(MANIFEST) + b"a" * 32 + b"b" * 32
    inner = hashlib.sha256(bytes(byte ^ 0x36 for byte in key) + message).digest()
    code = hashlib.sha256(bytes(byte ^ 0x5C for byte in key) + inner).digest()
    assert make_words(TOKEN, MANIFEST, [b"a" * 32, b"b" * 32]) == fingerprint_words(code, 6)


@given(st.lists(st.binary(min_size=32, max_size=32), min_size=1, max_size=5, unique=True), st.data())
def test_words_change_with_token_manifest_and_every_key(digests: list[bytes], data: st.DataObject) -> None:
    words = make_words(TOKEN, MANIFEST, digests)
    place = data.draw(st.integers(0, len(digests) - 1))
    others = digests[:place] + digests[place + 1 :]
    assert words == make_words(TOKEN, MANIFEST, digests)
    assert words not in {
        make_words(MANIFEST, TOKEN, digests),
        make_words(TOKEN, "03" * 32, digests),
        make_words(TOKEN, MANIFEST, others),
        make_words(TOKEN, MANIFEST, [*digests, bytes(32)]),
    }
