"""The diagnosis: what it says, how long it can get, and that no secret of a whole session is in it."""

import logging
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import chain
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import load_der_private_key

from core.api.wire import Failed
from core.store.store import open_store
from hw.errors import StickReadOnlyError
from hw.fat.volume import open_volume
from hw.sticks.emulated import Faults
from kiosk.emulator.box import EmulatedBox, Folders
from kiosk.emulator.folder import WORDS
from kiosk.work.diagnosis import (
    LINE_CHARACTERS,
    LOG_BYTES,
    MAX_BYTES,
    REFUSALS,
    Diary,
    WriteDiagnosis,
    make_diagnosis,
)
from kiosk.work.task import Tools
from kiosk.work.worker import Answer, Bug, News, VaultLost
from tests.kiosk.emulated import PASSPHRASE, play, set_up_box
from tests.kiosk.facts import HERE, RUNS
from tests.kiosk.live import open_twins
from tests.searching import encoded, find_in, key_forms

NOW = datetime(2027, 2, 1, 12, tzinfo=UTC)
TRIED = (*WORDS, "zebra", "zoo", "zone", "zero", "youth", "young")


@pytest.fixture
def diary() -> Iterator[Diary]:
    """Return the diary of a kiosk that logs in this process."""
    diary = Diary(lambda: NOW, lambda: ("hardware: {}",))
    diary.begin()
    yield diary
    logging.getLogger().removeHandler(diary)


@pytest.fixture
def tools(tmp_path: Path) -> Tools:
    (tmp_path / "sticks").mkdir()
    return Tools(open_twins(tmp_path), tmp_path, tmp_path, lambda _progress, _step: None)


def texts_on(image: Path) -> dict[str, str]:
    """Return the diagnoses on a stick."""
    with open_volume(image) as volume:
        names = [each.name for each in volume.list() if each.name.startswith("pism-diagnosis-")]
        return {name: volume.get(name, MAX_BYTES).decode() for name in names}


def section(text: str, title: str) -> list[str]:
    """Return the lines of a section."""
    (found,) = re.findall(rf"^== {title}.*\n((?:.+\n)*)", text, re.MULTILINE)
    return str(found).splitlines()


def test_no_secret_of_a_whole_session_is_in_it(tmp_path: Path) -> None:
    folders: Folders = set_up_box(tmp_path / "box")
    with EmulatedBox(folders, instant=NOW) as box:
        play(box, "diagnosis")
    (locked,) = texts_on(box.image("HOLIDAYS")).values()
    (broken,) = texts_on(box.image("PISM-ALL")).values()
    refused = section(locked, "refused")
    assert [line.split()[1] for line in refused] == ["E-PASSPHRASE-WRONG", "E-DRILL"]
    assert section(broken, "refused")[2].split()[1] == "E-VAULT"
    assert all(line.startswith("2027-02-01T12:0") for line in refused)
    assert "stick PISM-ALL: top-up, export main-kudo, backup main-backup" in section(locked, "settings")
    for word in TRIED:
        assert re.search(rf"\b{word}\b", locked + broken, re.IGNORECASE) is None
    with open_store(folders.state, PASSPHRASE) as store:
        keys = [key for _, key in store.keys(store.key_ids())]
        token = store.fact("drill_token") or ""
        drills = store.fact("drills main-backup") or ""
    needles = [*chain.from_iterable(map(key_forms, keys)), b"PRIVATE KEY", b"AGE-SECRET-KEY"]
    needles += [
        *encoded(PASSPHRASE),
        token.encode(),
        *(word.encode() for word in re.findall("[a-z]{3,} [a-z ]+", drills)),
    ]
    for name, text in (("locked", locked), ("broken", broken)):
        (tmp_path / "texts").mkdir(exist_ok=True)
        (tmp_path / "texts" / name).write_text(text)
    assert all(load_der_private_key(key, None) for key in keys)
    assert find_in(tmp_path / "texts", needles) == []


def test_it_says_what_runs_and_how_the_box_is_set(diary: Diary) -> None:
    text = make_diagnosis(NOW, RUNS, ("random: ok",), HERE, diary).decode()
    assert text.startswith("PiSM diagnosis of 2027-02-01T12:00:00Z. It holds no secret.\n")
    assert section(text, "versions")[0].startswith("PiSM 0.1.0, not before 2026-11-23")
    assert section(text, "versions")[1] == f"its files {RUNS.files}"
    assert section(text, "versions")[-1] == f"board {RUNS.board}, serial number {RUNS.serial}"
    assert section(text, "settings") == ["hardware: {}"]
    assert section(text, "self-test") == ["random: ok"]
    assert section(text, "stick") == ["PISM-ALL, vfat, 31914983424 bytes"]
    assert section(text, "refused") == section(text, "the kiosk's log") == ["nothing"]
    assert any(line.startswith("cryptography ") for line in section(text, "packages"))
    assert "== settings\n\n" in make_diagnosis(NOW, RUNS, (), HERE, None).decode(), "where no kiosk runs"


def test_refusals_and_faults_are_noted_on_their_way(diary: Diary) -> None:
    posted: list[News] = []
    listen = diary.listen(posted.append)
    news: list[News] = [
        Answer(1, "good"),
        Answer(2, Failed(code="E-STICK-FULL", text="no room", action=())),
        VaultLost("gone"),
        Bug(),
    ]
    for each in news:
        listen(each)
    assert posted == news
    at = "2027-02-01T12:00:00Z"
    assert diary.refusals() == (f"{at} E-STICK-FULL no room", f"{at} E-VAULT gone", f"{at} E-BUG see the log")


def test_the_newest_is_kept_and_all_of_it_is_bounded(diary: Diary) -> None:
    log = logging.getLogger("kiosk.test")
    listen = diary.listen(lambda _news: None)
    for number in range(3000):
        log.warning("line %s %s", number, "ö" * 1000)
        listen(VaultLost(f"{number} {'x' * 1000}"))
    kept = diary.log()
    assert sum(len(line.encode()) + 1 for line in kept) <= LOG_BYTES
    assert "line 2999 " in kept[-1]
    assert max(map(len, kept)) == LINE_CHARACTERS
    assert len(diary.refusals()) == REFUSALS
    data = make_diagnosis(NOW, RUNS, (), HERE, diary)
    assert len(data) < MAX_BYTES
    assert "== packages" in data.decode()
    many = make_diagnosis(NOW, RUNS, ["y" * 100] * 10_000, HERE, diary)
    assert len(many) == MAX_BYTES


def test_of_an_exception_only_the_message_is_kept_and_nothing_steers_a_terminal(diary: Diary) -> None:
    log = logging.getLogger("kiosk.test")
    try:
        raise ValueError("cabin engine harbor")  # noqa: TRY301  as a careless library would
    except ValueError:
        log.exception("it broke\x1b[2J\nthere")
    first, second = diary.log()
    assert first == "2027-02-01T12:00:00Z ERROR kiosk.test: it broke\\x1b[2J"
    assert second == "2027-02-01T12:00:00Z ERROR kiosk.test: there"


def test_a_kiosk_takes_the_place_of_the_one_before_it(diary: Diary) -> None:
    other = Diary(lambda: NOW, lambda: ())
    assert Diary.kept() is diary
    other.begin()
    assert Diary.kept() is other
    diary.begin()
    assert Diary.kept() is diary


def test_nothing_is_overwritten(tools: Tools) -> None:
    twins = tools.board.twins
    assert twins is not None
    tools.board.sticks.start(lambda _event: None)
    image = twins.sticks.make("HOLIDAYS")
    stick = twins.sticks.insert(image, Faults())
    task = WriteDiagnosis(stick=stick)
    stem = "pism-diagnosis-20270201T120000Z"
    assert [task.run(tools), task.run(tools)] == [f"{stem}.txt", f"{stem}-2.txt"]
    assert [section(text, "self-test")[2] for text in texts_on(image).values()] == ["store: ok locked"] * 2


def test_a_stick_that_is_locked_is_refused(tools: Tools) -> None:
    twins = tools.board.twins
    assert twins is not None
    tools.board.sticks.start(lambda _event: None)
    stick = twins.sticks.insert(twins.sticks.make("HOLIDAYS"), Faults(read_only=True))
    with pytest.raises(StickReadOnlyError):
        WriteDiagnosis(stick=stick).run(tools)
