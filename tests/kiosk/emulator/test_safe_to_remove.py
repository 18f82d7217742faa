"""SAFE TO REMOVE is never a lie: what the panel calls ok is on the stick that is in, as mtools reads it.

What an operator does and sees stands in tests/scenarios; here each "ok" is compared with the stick.
"""

import re
import shutil
from datetime import timedelta
from pathlib import Path

import pytest

from kiosk.emulator.box import EmulatedBox, Folders
from kiosk.screens.reader import read_text
from tests.kiosk.emulated import NOW, acts, play, read_journal, set_up_box
from tests.kiosk.place import files_on, holds, read_receipts
from tests.kiosk.rescues import NOW as LOST
from tests.kiosk.rescues import fill_stick, lay_empty_box, lose_box, rescue_files

BOTH = {("main-kudo", 1), ("main-backup", 1)}
LATER = NOW + timedelta(days=1)


@pytest.fixture
def folders(tmp_path: Path) -> Folders:
    return set_up_box(tmp_path / "box")


def read_ok(box: EmulatedBox) -> dict[tuple[str, int], str]:
    """Return what SAFE TO REMOVE calls ok: name and number of each archive, and its hash's beginning."""
    assert read_text(box.picture()).startswith("SAFE TO REMOVE")
    pages: list[str] = []
    while (page := read_text(box.picture())) not in pages:
        pages.append(page)
        box.press("D")
        box.watch(lambda picture: read_text(picture) != pages[-1], 1)
    found = re.findall(
        r"([a-z][a-z-]+)\s+(?:egress|backup) ([0-9]{6}) ok\s+sha ([0-9a-f]{8})", "\n".join(pages)
    )
    return {(name, int(number)): digits for name, number, digits in found}


def is_whole(image: Path, name: str, number: int, digits: str) -> bool:
    """Tell whether an archive is on a stick with a receipt that names it, and all that this receipt names."""
    return any(
        (receipt["name"], receipt["sequence"]) == (name, number)
        and receipt["archive"]["sha256"].startswith(digits)
        and holds(image, receipt)
        for receipt in read_receipts(image)
    )


def check_ok(box: EmulatedBox, label: str) -> dict[tuple[str, int], str]:
    """Compare every "ok" on the panel with the stick that is in; return them."""
    told = read_ok(box)
    assert told
    for (name, number), digits in told.items():
        assert is_whole(box.image(label), name, number, digits), (name, number)
    return told


def journaled(folders: Folders) -> set[tuple[str, int]]:
    """Return name and number of what the journal calls written."""
    entries = [entry for entry in read_journal(folders) if entry.act == "written"]
    return {(entry.detail["name"], entry.detail["sequence"]) for entry in entries}


@pytest.mark.parametrize(
    ("place", "last"),
    [(180_000, "main-kudo-000001-*.tar.age"), (650_000, "pism-receipt-main-kudo-000001.json")],
)
def test_a_stick_that_was_emptied_in_between_has_all_that_is_called_ok(
    folders: Folders, place: int, last: str
) -> None:
    with EmulatedBox(folders) as box:
        play(box, "emptied", PLACE=str(place), FILE=last)
        assert check_ok(box, "PISM-ALL").keys() == BOTH
    assert journaled(folders) == BOTH
    assert acts(folders).count("written") == len(BOTH)


@pytest.mark.parametrize("place", [60_000, 260_000, 300_000])
def test_another_stick_than_the_pulled_one_has_all_that_is_called_ok(folders: Folders, place: int) -> None:
    with EmulatedBox(folders) as box:
        play(box, "pulled-anywhere", PLACE=str(place), AGAIN="PISM-ALL new")
        assert check_ok(box, "PISM-ALL").keys() == BOTH
        assert box.image("PISM-ALL") != folders.sticks / "PISM-ALL.img"
    assert journaled(folders) == BOTH
    assert acts(folders).count("written") == len(BOTH)


@pytest.mark.parametrize("place", [140_000, 155_000, 180_000, 330_000])
def test_a_stick_that_was_pulled_while_papers_were_written_has_all_that_is_called_ok(
    folders: Folders, place: int
) -> None:
    with EmulatedBox(folders) as box:
        play(box, "pulled-anywhere", PLACE=str(place), AGAIN="PISM-ALL")
        assert check_ok(box, "PISM-ALL").keys() == BOTH
        paths = files_on(box.image("PISM-ALL"))
    assert not [path for path in paths if path.lower().endswith((".part", ".prt"))]
    assert journaled(folders) == BOTH


def test_numbers_of_another_authority_are_not_in_the_way(folders: Folders, tmp_path: Path) -> None:
    rehearsal = set_up_box(tmp_path / "rehearsal", changes=(("Example Virtual Worlds", "Rehearsal"),))
    with EmulatedBox(rehearsal, instant=NOW) as box:
        play(box, "numbers-back", LABEL="PISM-ALL")
        theirs = check_ok(box, "PISM-ALL")
    image = shutil.copy(rehearsal.sticks / "PISM-ALL.img", folders.sticks)
    before = files_on(image).items()
    with EmulatedBox(folders, instant=LATER) as box:
        play(box, "numbers-back", LABEL="PISM-ALL")
        ours = check_ok(box, "PISM-ALL")
    assert ours.keys() == theirs.keys() == BOTH
    assert before <= files_on(image).items(), "nothing of theirs is touched"
    assert all(is_whole(image, *key, digits) for key, digits in theirs.items())


def test_numbers_that_come_back_after_a_rescue_are_not_in_the_way(tmp_path: Path) -> None:
    """The lost box gave out export 2 after its backup, so that the restored one gives it out again."""
    lost = lose_box()
    old = lay_empty_box(tmp_path / "old", lost)
    old.own.mkdir()
    shutil.copytree(lost.folders.state, old.state)
    with EmulatedBox(old, instant=LOST + timedelta(hours=1)) as box:
        play(box, "numbers-back", LABEL="PISM-EXPORT")
        theirs = check_ok(box, "PISM-EXPORT")
    new = lay_empty_box(tmp_path / "new", lost)
    new.own.mkdir()
    fill_stick(new.sticks / "PISM-RESCUE.img", rescue_files(lost))
    image = shutil.copy(old.sticks / "PISM-EXPORT.img", new.sticks)
    before = {path: digest for path, digest in files_on(image).items() if "main-kudo-" in path}
    with EmulatedBox(new, instant=LOST + timedelta(days=1)) as box:
        play(box, "rescued")
        play(box, "numbers-back", LABEL="PISM-EXPORT")
        ours = check_ok(box, "PISM-EXPORT")
    assert ours.keys() == theirs.keys() == {("main-kudo", 2)}
    assert before.items() <= files_on(image).items(), "what has a number is not touched"
