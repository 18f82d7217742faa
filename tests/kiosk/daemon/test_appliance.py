"""The daemon on the real box, as far as it goes without one."""

import signal
import socket
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from core.errors import ConfigError
from hw.board import Board, BoardSettings, Emulation, open_board
from hw.errors import CardOtherError, HardwareError
from hw.ports import Display, Post, Protection
from hw.sticks.emulated import EmulatedSticks
from hw.system.emulated import HELD, EmulatedGuards
from kiosk.daemon.appliance import _turn_every_s, keep_display, run_appliance
from kiosk.daemon.first_light import FirstLight
from kiosk.screens.reader import read_lines
from tests.kiosk.command import ENVIRONMENT, ROOT, spawn
from tests.kiosk.live import WIRED, PanelTwin, lay_config


def test_the_watchdog_is_fed_three_times_as_often_as_it_asks() -> None:
    assert _turn_every_s("30000000") == 10
    assert _turn_every_s(None) is None
    assert _turn_every_s("") is None


def test_the_display_of_the_first_picture_is_kept_if_it_was_wired_right() -> None:
    display = PanelTwin()(WIRED)
    lit = FirstLight(WIRED, display)
    assert keep_display(lit, BoardSettings()) is display
    assert keep_display(lit, BoardSettings(rotate=2)) is None
    assert keep_display(None, BoardSettings()) is None


def test_a_config_that_cannot_be_used_is_said_on_the_panel(tmp_path: Path) -> None:
    twin = PanelTwin()
    config = lay_config(tmp_path, "load: 2", "load: 0")
    with pytest.raises(ConfigError):
        run_appliance(config, tmp_path, tmp_path, FirstLight(WIRED, twin(WIRED)))
    assert "E-CONFIG-VALUE" in " ".join(read_lines(twin.panel.image()))
    with pytest.raises(ConfigError):
        run_appliance(config, tmp_path, tmp_path)


def test_a_panel_lost_meanwhile_keeps_the_refusal_what_it_is(tmp_path: Path) -> None:
    twin = PanelTwin()
    display = twin(WIRED)
    twin.panel.unplug()
    with pytest.raises(ConfigError):
        run_appliance(
            lay_config(tmp_path, "load: 2", "load: 0"), tmp_path, tmp_path, FirstLight(WIRED, display)
        )


def test_a_kiosk_refuses_a_bad_config_at_the_command_line(tmp_path: Path) -> None:
    config = lay_config(tmp_path, "load: 2", "load: 0")
    ran = spawn("kiosk", "--config", config, "--spool", tmp_path, "--own", tmp_path)
    assert (ran.status, ran.code) == (1, "E-CONFIG-VALUE")


def test_a_kiosk_that_its_unit_does_not_guard_is_refused(tmp_path: Path) -> None:
    """No PC confines a process that a person starts, so this is the real thing."""
    folders = ("--spool", tmp_path, "--own", tmp_path)
    ran = spawn("kiosk", "--config", lay_config(tmp_path), *folders)
    assert ran.status == 1
    assert ran.code.startswith("E-GUARD-")


class Untouched(EmulatedSticks):
    """Sockets that nobody may look at."""

    def start(self, post: Post) -> None:
        raise AssertionError("a stick would have been looked at")


@pytest.mark.parametrize(
    ("protection", "code"),
    [
        (replace(HELD, landlock=0), "E-GUARD-LANDLOCK"),
        (replace(HELD, kiosk=replace(HELD.kiosk, has_seccomp=False)), "E-GUARD-SECCOMP"),
        (replace(HELD, vault=HELD.kiosk), "E-GUARD-USERS"),
    ],
)
def test_a_missing_guard_is_said_on_the_panel_before_a_stick_or_the_vault_is_asked(
    tmp_path: Path, protection: Protection, code: str
) -> None:
    twin = PanelTwin()

    def open_unguarded(settings: BoardSettings, display: Display | None) -> Board:
        assert display is not None
        twins = open_board(settings, Emulation())
        return replace(twins, display=display, sticks=Untouched(), guards=EmulatedGuards(protection))

    with pytest.raises(HardwareError) as refused:
        run_appliance(
            lay_config(tmp_path), tmp_path, tmp_path, FirstLight(WIRED, twin(WIRED)), open_unguarded
        )
    assert refused.value.code == code
    assert code in " ".join(read_lines(twin.panel.image()))


def test_a_card_without_its_state_is_said_on_the_panel_before_anything_else(tmp_path: Path) -> None:
    twin = PanelTwin()

    def refuse() -> None:
        raise CardOtherError("the card is that of the board 1; this is 2")

    with pytest.raises(CardOtherError):
        run_appliance(
            tmp_path / "no config", tmp_path, tmp_path, FirstLight(WIRED, twin(WIRED)), require_card=refuse
        )
    assert "E-CARD-OTHER" in " ".join(read_lines(twin.panel.image()))


GUARDED = """
import sys
from dataclasses import replace
from pathlib import Path
from hw.system.emulated import EmulatedGuards
from kiosk.daemon.appliance import open_box, run_appliance
config, folder = map(Path, sys.argv[1:])
run_appliance(
    config, folder, folder, None, lambda *given: replace(open_box(*given), guards=EmulatedGuards())
)
"""
"""The real kiosk with its real devices; but for its guards, which only a unit gives."""


def test_without_panel_keypad_and_vault_it_runs_tells_systemd_and_ends_when_told(tmp_path: Path) -> None:
    # a PC has no pins, and this bus is not there: the kiosk says so in its log and goes on trying
    config = lay_config(tmp_path, "port: 1,", "port: 31,")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(str(tmp_path / "notify"))
        systemd.settimeout(60)
        told = {"NOTIFY_SOCKET": str(tmp_path / "notify"), "WATCHDOG_USEC": "300000"}
        command = [sys.executable, "-c", GUARDED, str(config), str(tmp_path)]
        with subprocess.Popen(command, cwd=ROOT, env=ENVIRONMENT | told, stderr=subprocess.PIPE) as child:
            assert systemd.recv(100) == b"READY=1"
            assert systemd.recv(100) == b"WATCHDOG=1"
            child.send_signal(signal.SIGTERM)
            _, log = child.communicate(timeout=60)
    assert child.returncode == 0
    assert b"E-DISPLAY" in log
    assert b"E-KEYPAD" in log
    assert b"E-BUG" not in log


DYING = """
import sys
from dataclasses import replace
from pathlib import Path
from hw.sticks.udev import UdevSticks
from hw.sticks.usb import UsbSockets
from hw.system.emulated import EmulatedGuards
from kiosk.daemon.appliance import open_box, run_appliance

def lack_a_library():
    raise ImportError("No library named udev")

config, folder, dies = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3]
sticks = UdevSticks(lack_a_library) if dies == "sticks" else UdevSticks()
sockets = UsbSockets(sticks, lack_a_library) if dies == "usb" else sticks
parts = {"guards": EmulatedGuards(), "sticks": sockets}
run_appliance(config, folder, folder, None, lambda *given: replace(open_box(*given), **parts))
"""
"""The real kiosk on a system where pyudev cannot be used in one of its threads."""


@pytest.mark.parametrize("dies", ["sticks", "usb"])
def test_a_thread_that_dies_ends_the_kiosk_with_a_failure(tmp_path: Path, dies: str) -> None:
    config = lay_config(tmp_path, "port: 1,", "port: 31,")
    command = [sys.executable, "-c", DYING, str(config), str(tmp_path), dies]
    ran = subprocess.run(command, cwd=ROOT, env=ENVIRONMENT, capture_output=True, timeout=60, check=False)
    assert ran.returncode != 0
    assert f"thread {dies} died: ".encode() in ran.stderr
    assert b"ImportError" in ran.stderr


def test_the_vault_command_serves_the_connection_on_its_standard_input(tmp_path: Path) -> None:
    from core.api import requests as pr
    from core.api import results as rs
    from kiosk.work.session import Session

    ours, theirs = socket.socketpair()
    config = lay_config(tmp_path)
    command = [sys.executable, "-m", "kiosk", "vault", "--state", str(tmp_path / "state")]
    with theirs:
        child = subprocess.Popen([*command, "--config", str(config)], stdin=theirs, cwd=ROOT, env=ENVIRONMENT)
    session = Session(ours, child)
    assert not session.ask(pr.Hello(), rs.Ready).provisioned
    session.close()
    assert child.returncode == 0


def test_the_kiosk_loads_nothing_that_handles_keys() -> None:
    """It holds no key, and what it does not load takes neither memory nor time."""
    script = (
        "import sys, kiosk.daemon.appliance; "
        "print({'cryptography', 'pyrage', 'sqlcipher3'} & {name.partition('.')[0] for name in sys.modules})"
    )
    done = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True)
    assert done.stdout.strip() == "set()"
