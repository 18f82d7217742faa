"""Landlock, the kernel's sandbox for unprivileged processes: what this process may open from now on.

Owns the three system calls and the rights each kernel knows. Rules:

1. Every right that the running kernel can handle is handled; what no rule allows is refused.
2. A kernel without Landlock is no error: `restrict` says False and the other limits stand.
3. There is no way back: call it in the process that is about to run something else.

The numbers are those of linux/landlock.h; the calls have the same numbers on every architecture. It is
imported once for every call of mtools, so it imports little itself: no typing, no pathlib.
"""

from __future__ import annotations

import ctypes
import errno
import os
import stat
import struct

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

EXECUTE, WRITE, READ, READ_DIR = 1 << 0, 1 << 1, 1 << 2, 1 << 3
IOCTL_DEV = 1 << 15
FILE_RIGHTS = EXECUTE | WRITE | READ | 1 << 14 | IOCTL_DEV
"""The rights that a rule on a file, not a folder, may name (1 << 14 is truncate)."""

_FS_RIGHTS = {1: 13, 2: 14, 3: 15, 4: 15, 5: 16}
"""How many rights on files each version of the interface knows; the last holds for all later ones."""
_NET_SINCE, _SCOPE_SINCE = 4, 6
_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
_RULE_PATH_BENEATH = 1
_PR_SET_NO_NEW_PRIVS = 38
_ABSENT = (errno.ENOSYS, errno.EOPNOTSUPP)


def call_kernel(number: int, *arguments: int | bytes | None) -> int:
    """Make a system call.

    Args:
        number: Of the call.
        arguments: Integers, bytes (passed by address) or None (a null pointer).

    Returns:
        What the call returned, or -errno.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    passed = [ctypes.c_long(item) if isinstance(item, int) else ctypes.c_char_p(item) for item in arguments]
    answer = int(libc.syscall(ctypes.c_long(number), *passed))
    return -ctypes.get_errno() if answer < 0 else answer


def refuse_new_privileges(prctl: Callable[..., int] | None = None) -> None:
    """Give up, for this process and its children, all that a setuid program could give.

    Args:
        prctl: Makes the call, prctl(2).

    Raises:
        OSError: The kernel refused.
    """
    prctl = prctl or ctypes.CDLL(None, use_errno=True).prctl
    if prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "no_new_privs is refused")


def restrict(
    folders: Iterable[str], files: Mapping[int, int], *, call: Callable[..., int] = call_kernel
) -> bool:
    """Allow this process only to read and run what is beneath `folders`, and `files` as told.

    `refuse_new_privileges` comes first; the kernel insists on it.

    Args:
        folders: Folders or files that may be read and executed; absent ones are left out.
        files: Open descriptor -> rights (WRITE, READ, IOCTL_DEV) on the file behind it. Pipes and
            files without a name need no rule: Landlock lets them pass.
        call: Makes a system call, as `call_kernel`.

    Returns:
        False when the kernel has no Landlock.

    Raises:
        OSError: The kernel has Landlock and refused; nothing may be run then.
    """
    version = call(_CREATE_RULESET, None, 0, 1)
    if -version in _ABSENT:
        return False
    handled = (1 << _FS_RIGHTS.get(_checked(version), 16)) - 1
    # struct landlock_ruleset_attr: fs, then net (version 4), then scoped (version 6); older kernels
    # take a longer structure as long as what they do not know is zero
    net = 0b11 if version >= _NET_SINCE else 0
    scoped = 0b11 if version >= _SCOPE_SINCE else 0
    rules = _checked(call(_CREATE_RULESET, struct.pack("=QQQ", handled, net, scoped), 24, 0))
    try:
        for folder in folders:
            _allow_path(rules, folder, handled, call)
        for descriptor, rights in files.items():
            _allow(rules, descriptor, rights & handled & FILE_RIGHTS, call)
        _checked(call(_RESTRICT_SELF, rules, 0))
    finally:
        os.close(rules)
    return True


def _allow_path(rules: int, path: str, handled: int, call: Callable[..., int]) -> None:
    """Add a rule that lets `path`, and all beneath it, be read and run."""
    try:
        descriptor = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except FileNotFoundError:
        return
    try:
        folder = stat.S_ISDIR(os.fstat(descriptor).st_mode)
        _allow(rules, descriptor, (READ | EXECUTE | (READ_DIR if folder else 0)) & handled, call)
    finally:
        os.close(descriptor)


def _allow(rules: int, descriptor: int, rights: int, call: Callable[..., int]) -> None:
    """Add one rule; a file without a name (EBADFD: pipe, memory file) needs none."""
    answer = call(_ADD_RULE, rules, _RULE_PATH_BENEATH, struct.pack("=Qi", rights, descriptor), 0)
    if answer != -errno.EBADFD:
        _checked(answer)


def _checked(answer: int) -> int:
    """Return a system call's answer; OSError when it failed."""
    if answer < 0:
        raise OSError(-answer, f"Landlock: {os.strerror(-answer)}")
    return answer
