"""The last picture: shown when the system goes off, by nobody else."""

from pathlib import Path

import pytest

from kiosk.daemon.last_light import main, show_last
from kiosk.screens.reader import read_text
from tests.kiosk.live import WIRED, PanelTwin, lay_config


@pytest.mark.parametrize("word", ["poweroff", "halt"])
def test_a_system_that_is_down_says_that_it_may_be_unplugged(tmp_path: Path, word: str) -> None:
    twin = PanelTwin()
    main([word, "--config", str(lay_config(tmp_path))], twin)
    assert "You may unplug" in read_text(twin.panel.image())
    assert twin.wired == [WIRED]


@pytest.mark.parametrize("words", [[], ["reboot"], ["kexec"], ["exit"], ["--config"]])
def test_a_system_that_comes_back_says_nothing(tmp_path: Path, words: list[str]) -> None:
    twin = PanelTwin()
    main([*words, "--config", str(lay_config(tmp_path))], twin)
    assert not twin.wired


def test_a_config_that_tells_no_wiring_leaves_the_last_words_standing(tmp_path: Path) -> None:
    twin = PanelTwin()
    main(["poweroff", "--config", str(tmp_path / "none.yaml")], twin)
    assert not twin.wired


def test_a_panel_that_does_not_answer_keeps_nobody_from_going_down() -> None:
    twin = PanelTwin()
    twin.panel.unplug()
    show_last(twin(WIRED))
    assert twin.panel.image().getbbox() is None
