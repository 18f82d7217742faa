"""The units as systemd itself reads and rates them, and what else the package lays beside them."""

import re
import subprocess
from pathlib import Path

import pytest

SYSTEMD = Path(__file__).parents[2] / "systemd"
UNITS = ("pism.service", "pism-vault.socket", "pism-vault@.service", "pism-server.service")


def analyze(*arguments: str) -> tuple[int, str]:
    """Run systemd-analyze and return its status and all that it said."""
    done = subprocess.run(
        ["systemd-analyze", "--no-pager", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        cwd=SYSTEMD,
    )
    return done.returncode, done.stdout


def settings(unit: str) -> dict[str, list[str]]:
    """Return a unit's settings, each with all its values."""
    found: dict[str, list[str]] = {}
    for line in (SYSTEMD / unit).read_text().splitlines():
        key, equals, value = line.partition("=")
        if equals and not line.startswith("#"):
            found.setdefault(key, []).append(value)
    return found


def test_systemd_knows_every_setting() -> None:
    _, said = analyze("verify", *(f"./{unit}" for unit in UNITS))
    # the programs are where the package puts them, not on the machine that tests
    complaints = [line for line in said.splitlines() if not line.endswith("No such file or directory")]
    assert complaints == []


@pytest.mark.parametrize(
    ("unit", "tenths"), [("pism.service", 10), ("pism-vault@.service", 4), ("pism-server.service", 15)]
)
def test_exposure_stays_below_its_threshold(unit: str, tenths: int) -> None:
    status, said = analyze("security", "--offline=true", f"--threshold={tenths}", f"./{unit}")
    assert status == 0, said


@pytest.mark.parametrize("unit", ["pism.service", "pism-vault@.service"])
def test_memory_is_locked_never_swapped_never_dumped(unit: str) -> None:
    found = settings(unit)
    assert found["LimitMEMLOCK"] == ["infinity"]
    assert found["MemorySwapMax"] == ["0"]
    assert found["LimitCORE"] == ["0"]


@pytest.mark.parametrize("unit", ["pism.service", "pism-vault@.service"])
def test_no_privilege_can_be_had(unit: str) -> None:
    found = settings(unit)
    assert found["CapabilityBoundingSet"] == [""]
    assert found["NoNewPrivileges"] == ["yes"]
    assert "~@privileged @resources" in found["SystemCallFilter"]


@pytest.mark.parametrize("unit", ["pism.service", "pism-vault@.service"])
def test_what_the_programs_need_is_not_hidden(unit: str) -> None:
    """Seen to fail: /proc/swaps and the board's revision are gone with ProcSubset=pid."""
    assert "ProcSubset" not in settings(unit)


def test_kiosk_starts_early_and_ends_before_the_system() -> None:
    found = settings("pism.service")
    assert found["DefaultDependencies"] == ["no"]  # so nothing but what is named here holds it back
    assert found["After"] == ["sysinit.target pism-vault.socket"]
    assert found["Conflicts"] == found["Before"] == ["shutdown.target"]


def test_kiosk_hears_udev_and_confines_mtools() -> None:
    found = settings("pism.service")
    assert "PrivateNetwork" not in found  # udev's events would stay away, silently
    assert found["RestrictAddressFamilies"] == ["AF_UNIX AF_NETLINK"]
    calls = found["SystemCallFilter"][0].split()
    assert {"landlock_create_ruleset", "landlock_add_rule", "landlock_restrict_self"} <= set(calls)


def test_kiosk_opens_its_devices_and_no_others() -> None:
    found = settings("pism.service")
    assert found["DevicePolicy"] == ["closed"]
    # block-8: the name block-sd is unknown to the kernel until the first stick came
    assert set(found["DeviceAllow"]) == {
        "char-gpiochip rw",
        "char-i2c rw",
        "char-spi rw",
        "block-8 rw",
    }


def test_vault_has_neither_device_nor_network() -> None:
    found = settings("pism-vault@.service")
    assert found["PrivateDevices"] == ["yes"]
    assert found["PrivateNetwork"] == ["yes"]
    assert found["RestrictAddressFamilies"] == ["none"]
    assert "DeviceAllow" not in found


def test_vault_alone_owns_the_state_folder() -> None:
    vault, kiosk = settings("pism-vault@.service"), settings("pism.service")
    assert (vault["User"], kiosk["User"]) == (["pism-vault"], ["pism"])
    assert (vault["StateDirectory"], vault["StateDirectoryMode"]) == (["pism"], ["0700"])
    assert "-/var/lib/pism" in kiosk["InaccessiblePaths"]


def test_what_the_kiosk_keeps_lies_apart_and_is_its_own() -> None:
    vault, kiosk = settings("pism-vault@.service"), settings("pism.service")
    assert (kiosk["StateDirectory"], kiosk["StateDirectoryMode"]) == (["pism-kiosk"], ["0700"])
    assert "--own /var/lib/pism-kiosk" in kiosk["ExecStart"][0]
    assert "-/var/lib/pism-kiosk" in vault["InaccessiblePaths"][0].split()


def test_only_the_kiosk_may_connect_to_the_vault() -> None:
    found = settings("pism-vault.socket")
    assert found["Accept"] == ["yes"]
    assert found["SocketUser"] == ["pism"]
    assert found["SocketMode"] == ["0600"]
    assert settings("pism-vault@.service")["StandardInput"] == ["socket"]


def test_socket_is_where_the_kiosk_looks_for_it() -> None:
    from kiosk.work.session import VAULT_SOCKET

    assert settings("pism-vault.socket")["ListenStream"] == [str(VAULT_SOCKET)]


def test_watchdog_hears_the_main_process_only() -> None:
    found = settings("pism.service")
    assert (found["Type"], found["NotifyAccess"]) == (["notify"], ["main"])
    assert found["WatchdogSec"] == ["30s"]
    assert found["Restart"] == ["on-failure"]


def test_stopping_leaves_time_for_the_last_commit() -> None:
    from kiosk.machine.machine import POWER_WAIT_S

    for unit in ("pism.service", "pism-vault@.service"):
        (limit,) = settings(unit)["TimeoutStopSec"]
        assert int(limit.removesuffix("s")) > POWER_WAIT_S


def test_commands_of_the_units_exist() -> None:
    from click.testing import CliRunner

    from kiosk.commands.cli import main

    for unit in ("pism.service", "pism-vault@.service"):
        (line,) = settings(unit)["ExecStart"]
        program, command, *arguments = line.split()
        assert program == "/opt/pism/current/bin/pism"
        told = CliRunner().invoke(main, [command, "--help"]).output
        assert all(option in told for option in arguments if option.startswith("--"))


def test_users_are_system_users_without_login() -> None:
    done = subprocess.run(
        ["systemd-sysusers", "--dry-run", str(SYSTEMD / "sysusers.d/pism.conf")],
        capture_output=True,
        text=True,
        check=True,
    )
    assert "pism-vault" in done.stdout + done.stderr
    text = (SYSTEMD / "sysusers.d/pism.conf").read_text()
    assert re.findall(r"^u (\S+)", text, re.MULTILINE) == ["pism", "pism-vault"]
    assert re.findall(r"^g (\S+)", text, re.MULTILINE) == ["gpio", "i2c", "spi"]


def test_kiosk_cannot_replace_the_vaults_socket() -> None:
    text = (SYSTEMD / "tmpfiles.d/pism.conf").read_text()
    assert re.findall(r"^d .*$", text, re.MULTILINE) == ["d /run/pism 0750 root pism -"]
    assert settings("pism.service")["RuntimeDirectory"] != ["pism"]  # systemd would give it to the kiosk


def test_time_and_power_are_all_that_the_kiosk_may_ask_for() -> None:
    text = (SYSTEMD / "polkit/50-pism.rules").read_text()
    assert set(re.findall(r'"(org\.[^"]+)"', text)) == {
        "org.freedesktop.timedate1.set-time",
        "org.freedesktop.login1.power-off",
        "org.freedesktop.login1.power-off-multiple-sessions",
        "org.freedesktop.login1.reboot",
        "org.freedesktop.login1.reboot-multiple-sessions",
    }
    assert 'subject.user === "pism"' in text
    assert text.count("polkit.Result.YES") == 1
