"""How a kiosk is put together."""

from pathlib import Path

from core.policy.config import load_config
from kiosk.daemon.compose import board_settings, kiosk_settings, make_daemon
from kiosk.entry.buffers import Purpose
from kiosk.work.session import start_vault
from tests.kiosk.flows.steps import title_of
from tests.kiosk.live import WORDS, lay_authority, lay_config, open_twins


def test_the_sections_of_the_box_become_its_settings(tmp_path: Path) -> None:
    config = load_config(lay_config(tmp_path, "rotate: 0", "rotate: 2"))
    wired = board_settings(config)
    assert (wired.driver, wired.bus, wired.port, wired.address, wired.rotate) == (
        "ssd1306",
        "i2c",
        1,
        0x3C,
        2,
    )
    assert (wired.rows, wired.columns) == ((5, 6, 13, 19), (12, 16, 20, 21))
    settings = kiosk_settings(config, tmp_path)
    assert (settings.kiosk.lock_after_s, settings.kiosk.dim_after_s) == (300, 60)
    assert [label for label, _ in settings.sticks] == ["PISM-EXPORT", "PISM-ALL"]


def test_a_daemon_reaches_its_vault_and_its_words(tmp_path: Path) -> None:
    folder = lay_authority(tmp_path)
    board = open_twins(folder, frozen=False)

    def turn() -> None:
        if title_of(daemon.machine.shown) == "LOCKED":  # the vault has answered
            daemon.end()

    daemon = make_daemon(
        board,
        load_config(folder / "config.yaml"),
        lambda: start_vault(folder / "state", folder / "config.yaml"),
        spool=folder / "spool",
        own=folder / "own",
        refuse_swap=False,
        turn=turn,
    )
    daemon.run()
    assert daemon.machine.box.provisioned


def test_proposals_and_estimates_are_the_authoritys_own(tmp_path: Path) -> None:
    config = load_config(lay_config(tmp_path))
    board = open_twins(tmp_path)
    daemon = make_daemon(
        board,
        config,
        lambda: start_vault(tmp_path, tmp_path),
        spool=tmp_path,
        own=tmp_path,
        refuse_swap=False,
    )
    entries = daemon._entries
    entries.propose()
    view = entries.proposal_view()
    assert view is not None
    assert entries._estimate(" ".join(WORDS)) > 64
    assert len(entries._proposed) == 8
    entries.start(Purpose.CHOOSE)
    daemon._worker.close()
