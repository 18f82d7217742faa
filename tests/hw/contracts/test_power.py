"""One suite for the port Power: systemd's program, played by a script, and the twin."""

from pathlib import Path
from typing import Protocol

import pytest

from hw.errors import PowerError
from hw.ports import Power
from hw.system.emulated import EmulatedPower
from hw.system.power import SystemPower


class Bench(Protocol):
    """A switch, and what was done."""

    power: Power

    @property
    def done(self) -> list[str]: ...

    def refuse(self) -> None: ...


class EmulatedBench:
    def __init__(self, _folder: Path) -> None:
        self.done: list[str] = []
        self.power = EmulatedPower(heard=self.done.append)

    def refuse(self) -> None:
        self.power.refuses = True


class SystemBench:
    def __init__(self, folder: Path) -> None:
        self._done = folder / "done"
        self._done.touch()
        self._refused = folder / "refused"
        program = folder / "systemctl"
        program.write_text(f'#!/bin/sh\n[ ! -e {self._refused} ] || exit 1\necho "$1" >>{self._done}\n')
        program.chmod(0o755)
        self.power = SystemPower(command=(str(program),))

    @property
    def done(self) -> list[str]:
        words = {"poweroff": "off", "reboot": "restart"}
        return [words[line] for line in self._done.read_text().split()]

    def refuse(self) -> None:
        self._refused.touch()


@pytest.fixture(params=[EmulatedBench, SystemBench], ids=["emulated", "systemd"])
def bench(request: pytest.FixtureRequest, tmp_path: Path) -> Bench:
    made: Bench = request.param(tmp_path)
    return made


def test_goes_down_and_comes_again(bench: Bench) -> None:
    bench.power.off()
    assert bench.done == ["off"]
    bench.power.restart()
    assert bench.done == ["off", "restart"]


def test_a_refusal_is_an_error(bench: Bench) -> None:
    bench.refuse()
    for ask in (bench.power.off, bench.power.restart):
        with pytest.raises(PowerError) as caught:
            ask()
        assert caught.value.code == "E-POWER"
    assert bench.done == []
