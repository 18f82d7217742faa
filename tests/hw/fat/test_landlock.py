import errno
import os
import struct
import subprocess
import sys
from pathlib import Path

import pytest

from hw.fat import landlock

ROOT = Path(landlock.__file__).parents[1]


class FakeKernel:
    """Answers the three calls and remembers them; hands out a real descriptor to be closed."""

    def __init__(self, version: int, **failing: int) -> None:
        self.version = version
        self.failing = failing
        self.handled: tuple[int, ...] = ()
        self.rules: list[tuple[int, int]] = []
        self.restricted = False

    def __call__(self, number: int, *arguments: int | bytes | None) -> int:
        if number == 444 and arguments[0] is None:
            return self.version
        if number == 444:
            assert isinstance(arguments[0], bytes)
            self.handled = struct.unpack("=QQQ", arguments[0])
            return self.failing.get("create") or os.open("/dev/null", os.O_RDONLY)
        if number == 445:
            assert isinstance(arguments[2], bytes)
            rights, descriptor = struct.unpack("=Qi", arguments[2])
            self.rules.append((rights, descriptor))
            return self.failing.get("rule", 0)
        self.restricted = True
        return self.failing.get("restrict", 0)


@pytest.mark.parametrize(
    ("version", "rights", "net", "scoped"),
    [(1, 13, 0, 0), (2, 14, 0, 0), (3, 15, 0, 0), (4, 15, 3, 0), (5, 16, 3, 0), (6, 16, 3, 3), (9, 16, 3, 3)],
)
def test_handles_every_right_that_the_kernel_knows(version: int, rights: int, net: int, scoped: int) -> None:
    kernel = FakeKernel(version)
    assert landlock.restrict((), {}, call=kernel)
    assert kernel.handled == ((1 << rights) - 1, net, scoped)
    assert kernel.restricted


@pytest.mark.parametrize("number", [errno.ENOSYS, errno.EOPNOTSUPP])
def test_a_kernel_without_landlock_is_no_error(number: int) -> None:
    assert not landlock.restrict((), {}, call=FakeKernel(-number))


def test_a_folder_may_be_listed_and_a_file_may_not(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    kernel = FakeKernel(6)
    landlock.restrict([str(tmp_path), str(tmp_path / "file"), str(tmp_path / "none")], {0: 6}, call=kernel)
    assert [rights for rights, _ in kernel.rules] == [0b1101, 0b0101, 0b110]


def test_a_file_without_a_name_needs_no_rule() -> None:
    assert landlock.restrict((), {0: landlock.READ}, call=FakeKernel(6, rule=-errno.EBADFD))


@pytest.mark.parametrize("call", ["create", "rule", "restrict"])
def test_a_refusal_is_an_error(call: str) -> None:
    with pytest.raises(OSError, match="Landlock"):
        landlock.restrict((), {0: landlock.READ}, call=FakeKernel(6, **{call: -errno.EINVAL}))


def test_a_version_that_cannot_be_asked_is_an_error() -> None:
    with pytest.raises(OSError, match="Landlock"):
        landlock.restrict((), {}, call=FakeKernel(-errno.EPERM))


def test_the_kernels_answer_is_taken_down() -> None:
    assert landlock.call_kernel(444, None, 0, 1) != 0
    assert landlock.call_kernel(445, -1, 1, b"", 0) < 0


def test_privileges_that_cannot_be_given_up_are_an_error() -> None:
    asked: list[tuple[int, ...]] = []

    def prctl(*numbers: int) -> int:
        asked.append(numbers)
        return 0

    landlock.refuse_new_privileges(prctl)
    assert asked == [(38, 1, 0, 0, 0)]
    with pytest.raises(OSError, match="no_new_privs"):
        landlock.refuse_new_privileges(lambda *_: -1)


def test_the_running_kernel_refuses_what_no_rule_allows(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("secret")
    program = f"""
import sys
sys.path.append({str(ROOT)!r})
from hw import landlock
landlock.refuse_new_privileges()
sandboxed = landlock.restrict(["/usr/lib"], {{}})
try:
    open({str(tmp_path / "secret")!r}).read()
    print("read", sandboxed)
except PermissionError:
    print("refused", sandboxed)
"""
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() in {"refused True", "read False"}
