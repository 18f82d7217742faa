"""What may not be plugged in, and what the units do not let the processes do."""

import shlex

from tests.vm.box import VmBox

CONFINE = """
from hw.fat import sandbox
print(sandbox.restrict(("/usr/lib",), {}))
try:
    open("/etc/hostname")
except PermissionError:
    print("refused")
"""
REFUSED = "for d in /sys/bus/usb/devices/*; do grep -qs '^0' $d/authorized && cat $d/product; done"
SANDBOX = ("SystemCall", "NoNewPrivileges", "Restrict", "MemoryDeny", "CapabilityBoundingSet", "PrivateUsers")


def test_keyboard_is_refused_and_a_stick_is_not(box: VmBox) -> None:
    ident = box.vm.usb_keyboard()
    box.vm.until(f"({REFUSED}) | grep -q Keyboard", 30)
    assert box.vm.run("grep -ci keyboard /proc/bus/input/devices")[1].strip() == "0"
    box.play('expect "USB Keyboard" 15\nsnapshot keyboard-refused\npress #\nexpect "LOCKED"')
    box.vm.usb_remove(ident)
    box.play('insert PISM-ALL\nexpect "STICK PISM-ALL" 30\npull\nexpect "LOCKED" 30')


def test_stick_that_is_also_a_keyboard_is_refused_whole(box: VmBox) -> None:
    box.vm.badusb("PISM-ALL")
    box.vm.until(f"({REFUSED}) | grep -q Composite", 30)
    assert "PISM-ALL" not in box.vm.run("blkid")[1]
    assert not box.vm.badusb_type("04")
    box.vm.badusb_remove()


def test_network_adapter_is_refused(box: VmBox) -> None:
    ident = box.vm.usb_other("usb-net")
    box.vm.until(f"({REFUSED}) | grep -qi 'net\\|rndis'", 30)
    assert box.vm.run("ls /sys/class/net")[1].split() == ["lo"]
    box.vm.usb_remove(ident)


def test_no_socket_lets_anything_in_before_it_was_judged(box: VmBox) -> None:
    defaults = box.vm.run("cat /sys/bus/usb/devices/usb*/authorized_default", check=True)[1].split()
    assert defaults
    assert set(defaults) == {"0"}


def test_the_units_give_kiosk_and_vault_every_guard(box: VmBox) -> None:
    """As the processes are, by the kernel, and as the box says of itself with a stick in."""
    box.play('insert PISM-ALL\nexpect "STICK PISM-ALL" 30')
    users = set()
    for unit in ("pism.service", "pism-vault@*.service"):
        show = f"systemctl show --property=MainPID --value {shlex.quote(unit)} | grep -v '^0*$' | head -1"
        process = box.vm.run(show, check=True)[1].strip()
        status = dict(
            line.split(":\t", 1)
            for line in box.vm.run(f"cat /proc/{process}/status", check=True)[1].splitlines()
        )
        assert (status["Seccomp"], status["NoNewPrivs"]) == ("2", "1")
        users.add(status["Uid"].split()[0])
    assert len(users) == 2
    assert "0" not in users
    box.play('pull\nexpect "LOCKED" 30')


def test_a_kernel_without_landlock_is_refused_with_its_code(box: VmBox) -> None:
    """The calls are taken out of the kiosk's filter, which is what a kernel without Landlock says to it."""
    calls = "landlock_create_ruleset landlock_add_rule landlock_restrict_self"
    box.vm.run("mkdir -p /run/systemd/system/pism.service.d", check=True)
    drop_in = f"[Service]\nSystemCallFilter=~{calls}\nSystemCallErrorNumber=ENOSYS\n"
    box.vm.put(drop_in.encode(), "/run/systemd/system/pism.service.d/50-test.conf", mode=0o644)
    box.vm.run("systemctl daemon-reload; systemctl restart --no-block pism", check=True)
    box.play('expect "E-GUARD-LANDLOCK" 60\nsnapshot guard-landlock')
    box.vm.run("rm -r /run/systemd/system/pism.service.d; systemctl daemon-reload; systemctl restart pism")
    box.play('expect "LOCKED" 60')


def test_nobody_but_the_kiosk_reaches_the_vault(box: VmBox) -> None:
    connect = "python3 -c \"import socket; socket.socket(socket.AF_UNIX).connect('/run/pism/vault.sock')\""
    for user in ("nobody", "pism-vault"):
        status, said = box.vm.run(connect, user=user)
        assert status != 0
        assert "Permission" in said
    assert box.vm.run(connect, user="pism")[0] == 0


def test_nobody_but_the_vault_reads_the_state(box: VmBox) -> None:
    for user in ("nobody", "pism"):
        assert box.vm.run("ls /var/lib/pism", user=user)[0] != 0


def test_the_kiosk_may_set_the_clock_and_nobody_else(box: VmBox) -> None:
    ask = "timedatectl --no-ask-password set-time '2027-01-31 12:00:00 UTC'"
    assert box.vm.run(ask, user="nobody")[0] != 0
    status, said = box.vm.run(ask, user="pism")
    assert status == 0, said
    assert box.vm.run("date -u +%F")[1].strip() == "2027-01-31"
    assert box.vm.run("systemctl --no-ask-password poweroff", user="nobody")[0] != 0


def test_the_kiosks_own_sandbox_leaves_landlock_to_mtools(box: VmBox) -> None:
    unit = box.vm.run("cat /usr/lib/systemd/system/pism.service", check=True)[1].splitlines()
    sandbox = [f"-p {shlex.quote(line)}" for line in unit if line.startswith(SANDBOX)]
    run = f"systemd-run --quiet --pipe --wait -p User=pism {' '.join(sandbox)}"
    said = box.vm.run(f"{run} /opt/pism/current/bin/python -I -c {shlex.quote(CONFINE)}", check=True)[1]
    assert said.split() == ["True", "refused"]
