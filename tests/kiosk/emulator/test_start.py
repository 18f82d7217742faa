"""How `pism emulate` begins: start states, folders, and what is refused."""

from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from core.errors import ConfigKeyError, FileError
from core.store.attempts import read_attempts
from kiosk.commands.cli import main
from kiosk.emulator.app import Emulator
from kiosk.emulator.folder import WORDS, prepare
from tests.kiosk.live import lay_config


def test_fails_are_counted_before_the_start() -> None:
    with prepare("provisioned", fails=3) as start:
        assert read_attempts(start.folders.state).count == 3
    with pytest.raises(click.UsageError, match="no passphrase to fail"), prepare("factory", fails=3):
        pass


def test_a_named_state_leaves_nothing_behind(tmp_path: Path) -> None:
    with prepare("provisioned", sticks=tmp_path / "sticks") as start:
        folder = start.folders.state.parent
        assert start.folders.sticks == tmp_path / "sticks"
        assert folder.exists()
        assert not start.kept
    assert not folder.exists()
    assert (tmp_path / "sticks").exists()


def test_a_folder_is_laid_out_kept_and_gone_on_with(tmp_path: Path) -> None:
    for _ in range(2):
        with prepare(str(tmp_path / "box")) as start:
            assert start.kept
            assert start.folders.config == tmp_path / "box" / "config.yaml"
        assert (tmp_path / "box" / "sticks").is_dir()


def test_a_vaults_own_state_folder_is_used_where_it_is(tmp_path: Path) -> None:
    (tmp_path / "store").mkdir()
    with prepare(str(tmp_path)) as start:
        assert start.folders.state == tmp_path
        assert start.folders.config.exists()
    assert [path.name for path in tmp_path.iterdir()] == ["store"]


def test_a_folder_with_something_else_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").touch()
    with pytest.raises(FileError, match="holds no emulated box"), prepare(str(tmp_path)):
        pass
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


def test_a_config_of_ones_own_is_played_from_where_it_is(tmp_path: Path) -> None:
    config = lay_config(tmp_path)
    before = sorted(tmp_path.rglob("*"))
    for state in ("factory", "provisioned", str(tmp_path.parent / f"{tmp_path.name}-box")):
        with prepare(state, config=config) as start:
            assert start.folders.config == config
            assert Emulator(start)._labels[:2] == ("PISM-EXPORT", "PISM-ALL")
            assert start.words == (WORDS if state == "provisioned" else ())
    assert sorted(tmp_path.rglob("*")) == before


def test_a_config_of_ones_own_with_a_mistake_is_refused_before_anything_is_shown(tmp_path: Path) -> None:
    config = lay_config(tmp_path, "spread_days", "spread_day")
    with prepare("factory", config=config) as start, pytest.raises(ConfigKeyError, match="spread_day"):
        Emulator(start)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--stick", "PISM-ALL:broken"), "there is no fault broken"),
        (("--clock", "tomorrow"), "tomorrow is not a time"),
        (("--fails", "-1"), "--fails"),
    ],
)
def test_what_cannot_be_emulated_is_refused_in_words(options: tuple[str, str], said: str) -> None:
    result = CliRunner().invoke(main, ["emulate", *options])
    assert result.exit_code == 2
    assert said in result.output


def test_help_names_the_states() -> None:
    result = CliRunner().invoke(main, ["emulate", "--help"])
    assert result.exit_code == 0
    assert "factory|provisioned|locked-out" in result.output


def test_without_a_terminal_it_says_so() -> None:
    result = CliRunner().invoke(main, ["emulate"])
    assert result.exit_code == 2
    assert "needs a terminal" in result.output
