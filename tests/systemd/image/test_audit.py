"""Each thing that no card may hold is found in a root that holds it, and a clean one passes."""

from collections.abc import Callable
from pathlib import Path

import pytest

from systemd.image.audit import AuditError, audit

_OFF = ("getty@", "serial-getty@", "console-getty", "debug-shell", "emergency", "rescue")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A small root that is in order."""
    units = tmp_path / "etc/systemd/system"
    for folder in ("usr/bin", "usr/lib/modules/6.12/kernel/fs", "dev", "etc/systemd/journald.conf.d", "root"):
        (tmp_path / folder).mkdir(parents=True)
    units.mkdir()
    for name in (*(f"{name}.service" for name in _OFF), "swap.target"):
        (units / name).symlink_to("/dev/null")
    (tmp_path / "etc/systemd/journald.conf.d/card.conf").write_text("[Journal]\nStorage=volatile\n")
    (tmp_path / "etc/passwd").write_text("root:x:0:0:root:/root:/usr/sbin/nologin\n")
    (tmp_path / "etc/shadow").write_text("root:!*:20000:0:99999:7:::\n")
    (tmp_path / "usr/bin/dash").touch(0o755)
    (tmp_path / "usr/lib/modules/6.12/kernel/fs/ext4.ko.xz").touch()
    return tmp_path


def put(place: str, mode: int = 0o644) -> Callable[[Path], None]:
    def make(root: Path) -> None:
        (root / place).parent.mkdir(parents=True, exist_ok=True)
        (root / place).touch()
        (root / place).chmod(mode)

    return make


def many_modules(root: Path) -> None:
    for number in range(61):
        put(f"usr/lib/modules/6.12/kernel/fs/m{number}.ko")(root)


def linked(root: Path) -> None:
    (root / "usr/bin/wget").symlink_to("dash")


def password(root: Path) -> None:
    (root / "etc/shadow").write_text("root:$y$j9T$abc:20000:0:99999:7:::\n")


def shell(root: Path) -> None:
    (root / "etc/passwd").write_text("root:x:0:0:root:/root:/usr/bin/dash\n")


def console(root: Path) -> None:
    (root / "etc/systemd/system/serial-getty@.service").unlink()


def kept_journal(root: Path) -> None:
    (root / "etc/systemd/journald.conf.d/card.conf").write_text("[Journal]\nStorage=persistent\n")


def test_a_root_in_order_passes(root: Path) -> None:
    audit(root)


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (put("usr/lib/modules/6.12/kernel/drivers/net/usb/usbnet.ko.xz"), "a driver: .*usbnet"),
        (put("usr/lib/modules/6.12/kernel/drivers/hid/usbhid/usbhid.ko"), "a driver: .*usbhid"),
        (put("usr/lib/firmware/brcm/brcmfmac43455-sdio.bin"), "firmware of a radio"),
        (put("usr/bin/apt-get", 0o755), "a program: usr/bin/apt-get"),
        (put("usr/bin/busybox", 0o755), "a program: usr/bin/busybox"),
        (put("usr/lib/systemd/systemd-networkd", 0o755), "a program: .*networkd"),
        (linked, "a program: usr/bin/wget"),
        (put("dev/null"), "a leftover: dev/null"),
        (put("root/.bash_history"), "a leftover"),
        (put("usr/bin/su2", 0o4755), "set-id: usr/bin/su2"),
        (put("etc/open", 0o666), "writable by all: etc/open"),
        (many_modules, "62 kernel modules"),
        (password, "a password: root"),
        (shell, "a shell: root"),
        (console, "not switched off: serial-getty@"),
        (kept_journal, "a journal that is kept"),
    ],
)
def test_what_no_card_may_hold_is_found(root: Path, spoil: Callable[[Path], None], told: str) -> None:
    spoil(root)
    with pytest.raises(AuditError, match=told):
        audit(root)
