"""The first picture, before anything else is loaded."""

from pathlib import Path
from typing import Any

import pytest

from kiosk.daemon.first_light import FirstLight, Wiring, draw_start, guess_wiring, light, picture
from tests.kiosk.live import CONFIG, WIRED, PanelTwin, lay_config

BLOCK = """\
hardware:
  display:
    driver: sh1106   # bigger
    bus: spi
    port: 0
    address: 1
    rotate: 2
  keypad:
    rows: [5, 6, 13, 19]
kiosk: {lock_after_s: 300}
"""


def test_the_picture_is_the_one_that_the_first_state_draws() -> None:
    import base64
    import zlib

    now = base64.b64encode(zlib.compress(draw_start().tobytes(), 9)).decode()
    assert picture().tobytes() == draw_start().tobytes(), f"put this into kiosk/daemon/first_light.py: {now}"


@pytest.mark.parametrize(
    ("text", "wiring"),
    [
        (CONFIG, WIRED),
        (BLOCK, Wiring(driver="sh1106", bus="spi", port=0, address=1, rotate=2)),
        (CONFIG.replace(", rotate: 0", ""), WIRED),
        (CONFIG.replace("ssd1306", "lcd"), None),
        (CONFIG.replace("i2c", "usb"), None),
        (CONFIG.replace("0x3c", "here"), None),
        (CONFIG.replace("port: 1, ", ""), None),
        ("# display: {driver: ssd1306}", None),
        ("", None),
    ],
)
def test_the_wiring_is_guessed_or_given_up(text: str, wiring: Wiring | None) -> None:
    assert guess_wiring(text) == wiring


def test_the_guess_agrees_with_the_strict_reading_of_the_shipped_config() -> None:
    from core.policy.config import load_config
    from kiosk.daemon.appliance import keep_display
    from kiosk.daemon.compose import board_settings

    shipped = Path(__file__).parents[3] / "config.yaml"
    wiring = guess_wiring(shipped.read_text(encoding="utf-8"))
    assert wiring is not None
    display = PanelTwin()(wiring)
    assert keep_display(FirstLight(wiring, display), board_settings(load_config(shipped))) is display


@pytest.mark.parametrize(
    "form", [("--config", "{}"), ("--config={}",), ("--spool", "spool", "--config", "{}")]
)
def test_a_kiosk_lights_its_panel(tmp_path: Path, form: tuple[str, ...]) -> None:
    twin, config = PanelTwin(), lay_config(tmp_path)
    lit = light(["kiosk", *(word.format(config) for word in form)], twin)
    assert lit is not None
    assert lit.wiring == WIRED
    assert twin.panel.image().tobytes() == draw_start().tobytes()
    lit.display.close()


@pytest.mark.parametrize(
    "arguments", [[], ["status"], ["kiosk", "--help"], ["kiosk", "-h"], ["kiosk", "--config"], ["kiosk"]]
)
def test_other_commands_and_a_missing_config_light_nothing(arguments: list[str]) -> None:
    if Path("/etc/pism/config.yaml").exists():  # on a box the last one would be right
        arguments = [*arguments, "--config", "/nowhere"]
    twin = PanelTwin()
    assert light(arguments, twin) is None
    assert not twin.wired


def test_a_config_that_is_no_text_lights_nothing(tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_bytes(b"\xff\xfe")
    assert light(["kiosk", "--config", str(tmp_path / "config.yaml")], PanelTwin()) is None


def test_a_panel_that_does_not_answer_costs_the_early_picture_only(tmp_path: Path) -> None:
    twin = PanelTwin()
    twin.panel.unplug()
    assert light(["kiosk", "--config", str(lay_config(tmp_path))], twin) is None


def test_the_real_display_is_opened_as_it_is_wired(tmp_path: Path) -> None:
    # there is no such bus on a PC: the driver says so, and nothing is lit
    config = lay_config(tmp_path, "port: 1,", "port: 31,")
    assert light(["kiosk", "--config", str(config)]) is None


def test_the_first_picture_comes_before_the_command_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import sys

    from kiosk.__main__ import main

    given: dict[str, Any] = {}
    monkeypatch.setattr("kiosk.commands.cli.main", lambda **options: given.update(options))
    config = lay_config(tmp_path, "port: 1,", "port: 31,")
    monkeypatch.setattr(sys, "argv", ["pism", "kiosk", "--config", str(config)])
    main()
    monkeypatch.setattr(sys, "argv", ["pism", "status"])
    main()
    assert given == {"obj": None}
