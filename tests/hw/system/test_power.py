from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from hw.errors import PowerError
from hw.system.power import SystemPower

if TYPE_CHECKING:
    from hw.ports import Power


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
