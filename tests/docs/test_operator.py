"""The pictures of the papers: each is a snapshot that a scenario makes, and none lies about unseen."""

import re
from pathlib import Path

import pytest
from PIL import Image

from docs.make_pictures import FRAME, PICTURES, SCALE, SCENES, Scene, play
from hw.ports import KEYS
from kiosk.emulator.scenario import parse_scenario
from kiosk.flows.menu import all_items
from kiosk.screens.canvas import HEIGHT, WIDTH
from kiosk.text.messages import known_codes
from tests.kiosk.emulated import small_config

ROOT = Path(__file__).parent.parent.parent
SCENARIOS = ROOT / "kiosk" / "scenarios"
MANUAL = (ROOT / "docs" / "operator.md").read_text(encoding="utf-8")
README = (ROOT / "README.md").read_text(encoding="utf-8")


def snapshots(*paths: Path) -> list[str]:
    """Return the names that the scenarios keep pictures under, in order."""
    steps = (step for path in paths for step in parse_scenario(path.read_text(encoding="utf-8")))
    return [step.arguments[0] for step in steps if step.verb == "snapshot"]


def shown(text: str) -> list[str]:
    """Return the names of the panel's pictures that a page shows."""
    return re.findall(r"!\[[^\]]+\]\((?:docs/)?pictures/([a-z0-9-]+)\.png\)", text)


def size_of(name: str) -> tuple[int, int]:
    """Return width and height of a picture."""
    with Image.open(PICTURES / f"{name}.png") as picture:
        return picture.size


MADE = snapshots(*(SCENARIOS / f"{scene.name}.txt" for scene in SCENES))
FILES = sorted(path.stem for path in PICTURES.glob("*.png"))
SHORT = {
    "manual-unlock",
    "manual-wait",
    "manual-menu",
    "manual-seal",
    "manual-clock",
    "manual-policy",
    "manual-policy-stick",
    "manual-drill",
    "manual-clock-ahead",
    "manual-requests",
    "manual-rescue",
}
PANEL = ((WIDTH + 2 * FRAME) * SCALE, (HEIGHT + 2 * FRAME) * SCALE)


def test_the_manual_shows_every_snapshot_of_its_scenarios_once_and_nothing_else() -> None:
    assert len(MADE) == len(set(MADE))
    assert sorted(shown(MANUAL)) == sorted(MADE)


def test_every_panel_of_the_readme_is_a_snapshot() -> None:
    panels = [name for name in shown(README) if size_of(name) == PANEL]
    assert panels
    assert set(panels) <= set(MADE)


def test_every_picture_exists_and_none_is_an_orphan() -> None:
    papers = [ROOT / "README.md", *(ROOT / "docs").glob("*.md")]
    used = {name for paper in papers for name in shown(paper.read_text(encoding="utf-8"))}
    assert sorted(used) == FILES


@pytest.mark.parametrize("name", MADE)
def test_a_picture_is_a_panel_four_times_enlarged(name: str) -> None:
    assert size_of(name) == PANEL


def test_every_scenario_of_the_manual_is_played() -> None:
    assert sorted(path.stem for path in SCENARIOS.glob("manual-*.txt")) == sorted(s.name for s in SCENES)


@pytest.mark.parametrize("scene", [s for s in SCENES if s.name in SHORT], ids=lambda scene: scene.name)
def test_what_the_manual_says_comes_true_on_a_small_box(scene: Scene, tmp_path: Path) -> None:
    """The other scenarios of the manual need a long top-up: `make pictures` plays them all."""
    pictures = play(scene, tmp_path, small_config())
    assert {path.stem for path in pictures.iterdir()} == set(snapshots(SCENARIOS / f"{scene.name}.txt"))


def test_every_line_of_the_menu_has_its_section() -> None:
    chapter = MANUAL.partition("\n## The menu\n")[2].partition("\n## ")[0]
    headings = re.findall(r"^### ([0-9A-C#]) (.+)$", chapter, re.MULTILINE)
    assert [key for key, _ in headings] == [item.key for item in all_items()]
    assert {key for key, _ in headings} < set(KEYS)


def test_every_code_that_the_manual_names_exists() -> None:
    named = set(re.findall(r"`(E-[A-Z-]+)`", MANUAL))
    assert named
    assert named <= known_codes()
