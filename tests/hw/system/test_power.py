from pathlib import Path

import pytest

from hw.ports import Power, PowerError
from hw.system.emulated import EmulatedPower
from hw.system.power import SystemPower


def test_asks_systemd(tmp_path: Path) -> None:
    said = tmp_path / "said"
    script = tmp_path / "systemctl"
    script.write_text(f'#!/bin/sh\nprintf "%s\\n" "$*" >>{said}\n')
    script.chmod(0o755)
    power: Power = SystemPower(command=(str(script), "--quiet"))
    power.off()
    power.restart()
    assert said.read_text() == "--quiet poweroff\n--quiet reboot\n"


@pytest.mark.parametrize(
    ("command", "text"),
    [
        (("false",), "status 1"),
        (("sh", "-c", "echo access denied >&2; exit 4"), "access denied"),
        (("/nowhere/systemctl",), "refused"),
    ],
)
def test_a_refusal_is_said(command: tuple[str, ...], text: str) -> None:
    with pytest.raises(PowerError, match=text) as caught:
        SystemPower(command=command).off()
    assert caught.value.code == "E-POWER"


def test_the_twin_remembers_and_tells() -> None:
    heard: list[str] = []
    power = EmulatedPower(heard=heard.append)
    power.off()
    power.restart()
    assert heard == ["off", "restart"]
    assert power.pressed == "restart"
    quiet = EmulatedPower()
    quiet.off()
    assert quiet.pressed == "off"


def test_the_twin_refuses_when_told_to() -> None:
    power = EmulatedPower(refuses=True)
    with pytest.raises(PowerError):
        power.restart()
    assert power.pressed == ""
