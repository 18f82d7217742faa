"""A backup whose holder has the key in hardware: drilled and restored on a PC, with a plugin and a PIN."""

from pathlib import Path

import pytest

from hw.system.clock import SystemClock
from tests.keys import SoftKey, lay_soft_plugin
from tests.kiosk.command import Ran, converse, run
from tests.kiosk.commands.test_recovery import Desk, make_desk


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Desk:
    return make_desk(tmp_path_factory.mktemp("desk"), SystemClock().now(), SoftKey())


def at_terminal(desk: Desk, programs: Path, command: str, *more: str | Path, pin: str = "1234") -> Ran:
    files = (desk.folder / "backup", "--identity", desk.folder / "identity", *desk.trust)
    answers = [("age-plugin-soft: PIN", f"{pin}\n")] * 4  # the archive, and its passphrases at each use
    return converse(command, *files, *more, answers=answers, path=programs)


def test_a_backup_is_drilled_and_restored_with_a_plugin(desk: Desk, tmp_path: Path) -> None:
    programs = lay_soft_plugin(tmp_path)
    drilled = at_terminal(desk, programs, "drill")
    assert drilled.status == 0, drilled.err
    assert "age-plugin-soft: touch the key" in drilled.err
    assert "1234" not in drilled.err
    state = tmp_path / "state"
    restored = at_terminal(
        desk, programs, "restore", "--state", state, "--passphrase-file", desk.folder / "new"
    )
    assert restored.status == 0, restored.err
    assert (state / "store").is_dir()


def test_a_wrong_pin_is_told(desk: Desk, tmp_path: Path) -> None:
    told = at_terminal(desk, lay_soft_plugin(tmp_path), "drill", pin="4321")
    assert told.status == 1
    assert "E-ARCHIVE-IDENTITY" in told.err
    assert "the PIN is another one" in told.err


def test_a_plugin_that_is_not_installed_is_named(desk: Desk) -> None:
    files = (desk.folder / "backup", "--identity", desk.folder / "identity", *desk.trust)
    refused = run("drill", *files)
    assert (refused.status, refused.code) == (1, "E-ARCHIVE-IDENTITY")
    assert "needs age-plugin-soft, which is not installed here" in refused.err
