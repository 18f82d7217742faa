"""The sandbox of mtools: confine this process as narrowly as the kernel offers, then become the tool.

Owns what a tool that parses a foreign stick may do: its descriptors, environment, limits, and the files that
Landlock, the kernel's sandbox for unprivileged processes, lets it open. Rules:

1. The tool gets descriptor NODE_FD (the stick) and SOURCE_FD (the file to write), three standard ones,
   its configuration in memory (CONFIG_FD), and nothing else; its environment is fixed.
2. It may open those and the system's libraries again, for reading (the stick for writing when MODE
   says so), and nothing else where the kernel has Landlock; it gains no privileges, makes no core
   file, no process, no file larger than MAX_BYTES, and dies with the thread that started it.
3. Of Landlock every right that the running kernel can handle is handled; what no rule allows is refused.
   A kernel without it is no error: `restrict` says False and the other limits stand.
4. Whatever cannot be confined is not run: exit 126 and one line on standard error.
5. It imports little (no typing, no pathlib, no signal, of socket only what is written in C): an interpreter's
   start is most of what opening a volume costs. What LOOK needs is imported by the child that looks, before
   it gives up every file.

It runs in a process of its own, the launcher's: nothing may run between fork and exec of a process with
threads; there, everything may, and there is no way back. A launcher has no threads, no secrets and no stick:
it forks a child for each tool, which confines itself, and tells how that ended. So an interpreter starts once
for a volume, not once for a tool. Coverage cannot see what runs there; tests/hw/fat/test_sandbox.py watches
those processes from outside.

Left to others: starting the launcher, a tool's time and its output (hw.fat.launcher).
"""

from __future__ import annotations

import _socket
import ctypes
import errno
import fcntl
import os
import resource
import stat
import struct
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

NODE_FD, SOURCE_FD, CONFIG_FD = 10, 11, 12
NODE, SOURCE = f"/proc/self/fd/{NODE_FD}", f"/proc/self/fd/{SOURCE_FD}"
DRIVE = "p:"
NOT_RUN = 126
LOOK = "look"
"""The one tool that is ours: hw.fat.look, with DISK_BYTES OFFSET SIZE as arguments; it prints KEY=VALUE."""

# the claim on the stick is ours; dates and sizes are printed in one way only
_CONFIG = f"""MTOOLS_DATE_STRING="yyyy-mm-dd"
MTOOLS_TWENTY_FOUR_HOUR_CLOCK=1
drive {DRIVE}
  file="{NODE}"
  nolock
  offset="""
_ENVIRONMENT = {
    "PATH": "/usr/bin:/usr/sbin:/bin:/sbin",
    "LC_ALL": "C.UTF-8",
    "MTOOLSRC": f"/proc/self/fd/{CONFIG_FD}",
}
_SYSTEM = (
    "/usr/bin",
    "/usr/sbin",
    "/usr/lib",
    "/usr/lib64",
    "/bin",
    "/sbin",
    "/lib",
    "/lib64",
    "/etc/ld.so.cache",
)
_MEMORY_BYTES = 256 << 20
_OPEN_FILES = 24
_PR_SET_PDEATHSIG, _SIGKILL = 1, 9
_FIRST_SPARE = 64  # above every descriptor that is given a fixed place

# the numbers of linux/landlock.h; the calls have the same ones on every architecture
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

# loaded once, by the launcher: each look at it makes a class, and a child copies every page that it touches
_LIBC = ctypes.CDLL(None, use_errno=True)

_PROGRAM = """
import sys
sys.path.append(sys.argv[1])
from hw.fat import sandbox
sandbox.serve(int(sys.argv[2]))
"""
_MOST_BYTES = 1 << 16
_MOST_DESCRIPTORS = 4
_DESCRIPTOR = struct.Struct("i")


def launcher(channel: int) -> list[str]:
    """Return the command line of a process that starts confined tools.

    Args:
        channel: Descriptor of a SOCK_SEQPACKET socket that it inherits; see `serve`.
    """
    # isolated, without site packages; the folder of this package comes last in the path, so that nothing in
    # it can stand before the standard library
    return [sys.executable, "-I", "-S", "-c", _PROGRAM, __file__.rpartition("/hw/")[0], str(channel)]


def serve(channel: int) -> None:  # pragma: no cover
    """Start tools, one after the other, until the other end of `channel` closes.

    A packet asks for one: arguments of `main`, each ended by a null byte, with the descriptors of standard
    output, standard error, the stick and, where there is one, the source. Two packets answer, each a number:
    the process, a group of its own; and when that has ended, its exit status, negative for a signal.

    Args:
        channel: Descriptor of the socket.
    """
    _die_with_parent()
    asked = _socket.socket(fileno=channel)
    while True:
        data, descriptors = _receive(asked)
        if not data:
            os._exit(0)  # tidying up would take as long as starting
        child = os.fork()
        if child == 0:
            try:
                os.setpgid(0, 0)
                os.dup2(descriptors[0], 1)
                os.dup2(descriptors[1], 2)
                main(data.decode().split("\0")[:-1], *descriptors[2:])
            finally:  # whatever happened, there is one server only
                os._exit(NOT_RUN)
        try:  # noqa: SIM105  (contextlib imports too much)
            os.setpgid(child, child)
        except OSError:
            pass  # it did so itself, or is gone
        for descriptor in descriptors:
            os.close(descriptor)
        asked.send(str(child).encode())
        _, status = os.waitpid(child, 0)
        asked.send(str(os.waitstatus_to_exitcode(status)).encode())


def _receive(asked: _socket.socket) -> tuple[bytes, Sequence[int]]:  # pragma: no cover
    """Return a packet and the descriptors that came with it; socket.recv_fds without its module."""
    room = _socket.CMSG_SPACE(_MOST_DESCRIPTORS * _DESCRIPTOR.size)
    data, passed, _, _ = asked.recvmsg(_MOST_BYTES, room)
    descriptors = [number for _, _, content in passed for (number,) in _DESCRIPTOR.iter_unpack(content)]
    return data, descriptors


def main(arguments: Sequence[str], node: int, source: int = -1) -> None:  # pragma: no cover
    """Confine this process and become the tool; if all goes well it does not return.

    Args:
        arguments: MODE ("r", "w", "f" to format), OFFSET (where the volume begins in NODE, bytes), CPU_S,
            MAX_BYTES (0: no regular file may grow), then the tool and its arguments.
        node: Descriptor of the stick.
        source: Descriptor of the file to write; -1 for none.
    """
    mode, offset, cpu_s, max_bytes, *command = arguments
    try:
        if command[0] == LOOK:
            from hw.fat.look import look
        _place_descriptors(node, source, int(offset))
        _limit(int(cpu_s), int(max_bytes))
        _give_up_files(mode, with_source=source >= 0)
        if command[0] == LOOK:
            disk_bytes, place, size = map(int, command[1:])
            found = look(lambda start, length: os.pread(NODE_FD, length, start), disk_bytes, place, size)
            os.write(1, "".join(f"{key}={value}\n" for key, value in found.items()).encode())
            os._exit(0)
        # not execvpe: it would import another module, which nobody may open by now
        for folder in _ENVIRONMENT["PATH"].split(":"):
            tool = f"{folder}/{command[0]}"
            if os.access(tool, os.X_OK):
                os.execve(tool, list(command), _ENVIRONMENT)  # noqa: S606  (a fixed argument list, no shell)
        os.write(2, f"{command[0]} is not installed\n".encode())
    except (OSError, ValueError, OverflowError) as error:
        os.write(2, f"{command[0]} was not run: {error}\n".encode())


def _place_descriptors(node: int, source: int, offset: int) -> None:  # pragma: no cover
    """Put the stick, the source and the configuration where the tool expects them; close the rest."""
    config = os.memfd_create("mtools.conf")
    os.write(config, f"{_CONFIG}{offset}\n".encode())
    spare = [
        (fcntl.fcntl(descriptor, fcntl.F_DUPFD, _FIRST_SPARE), place)
        for descriptor, place in ((node, NODE_FD), (source, SOURCE_FD), (config, CONFIG_FD))
        if descriptor >= 0
    ]
    os.closerange(3, _FIRST_SPARE)
    for descriptor, place in spare:
        os.dup2(descriptor, place)
    os.closerange(_FIRST_SPARE, 1 << 20)


def _limit(cpu_s: int, max_bytes: int) -> None:  # pragma: no cover
    """Set the resource limits, and die with the parent."""
    for kind, limit in (
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_CPU, cpu_s),
        (resource.RLIMIT_FSIZE, max_bytes),
        (resource.RLIMIT_AS, _MEMORY_BYTES),
        (resource.RLIMIT_NOFILE, _OPEN_FILES),
        (resource.RLIMIT_NPROC, 0),
    ):
        resource.setrlimit(kind, (limit, limit))
    _die_with_parent()


def _die_with_parent() -> None:  # pragma: no cover
    """Have the kernel kill this process when the thread that started it ends."""
    _LIBC.prctl(_PR_SET_PDEATHSIG, _SIGKILL, 0, 0, 0)


def _give_up_files(mode: str, *, with_source: bool) -> None:  # pragma: no cover
    """Give up privileges and, where the kernel has Landlock, every file but the few that are needed."""
    refuse_new_privileges()
    rights = {"r": READ, "w": READ | WRITE}.get(mode, READ | WRITE | IOCTL_DEV)
    restrict(_SYSTEM, {NODE_FD: rights} | ({SOURCE_FD: READ} if with_source else {}))


def call_kernel(number: int, *arguments: int | bytes | None) -> int:
    """Make a system call.

    Args:
        number: Of the call.
        arguments: Integers, bytes (passed by address) or None (a null pointer).

    Returns:
        What the call returned, or -errno.
    """
    passed = [ctypes.c_long(item) if isinstance(item, int) else ctypes.c_char_p(item) for item in arguments]
    answer = int(_LIBC.syscall(ctypes.c_long(number), *passed))
    return -ctypes.get_errno() if answer < 0 else answer


def refuse_new_privileges(prctl: Callable[..., int] | None = None) -> None:
    """Give up, for this process and its children, all that a setuid program could give.

    Args:
        prctl: Makes the call, prctl(2).

    Raises:
        OSError: The kernel refused.
    """
    if (prctl or _LIBC.prctl)(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "no_new_privs is refused")


def landlock_version(call: Callable[..., int] = call_kernel) -> int:
    """Return the version of the kernel's interface of Landlock (its ABI); 0 where there is none.

    Args:
        call: Makes a system call, as `call_kernel`.

    Raises:
        OSError: The kernel has Landlock and does not say which.
    """
    version = call(_CREATE_RULESET, None, 0, 1)
    return 0 if -version in _ABSENT else _check(version)


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
    version = landlock_version(call)
    if not version:
        return False
    handled = (1 << _FS_RIGHTS.get(version, 16)) - 1
    # struct landlock_ruleset_attr: fs, then net (version 4), then scoped (version 6); older kernels
    # take a longer structure as long as what they do not know is zero
    net = 0b11 if version >= _NET_SINCE else 0
    scoped = 0b11 if version >= _SCOPE_SINCE else 0
    rules = _check(call(_CREATE_RULESET, struct.pack("=QQQ", handled, net, scoped), 24, 0))
    try:
        for folder in folders:
            _allow_path(rules, folder, handled, call)
        for descriptor, rights in files.items():
            _allow(rules, descriptor, rights & handled & FILE_RIGHTS, call)
        _check(call(_RESTRICT_SELF, rules, 0))
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
        _check(answer)


def _check(answer: int) -> int:
    """Return a system call's answer; OSError when it failed."""
    if answer < 0:
        raise OSError(-answer, f"Landlock: {os.strerror(-answer)}")
    return answer
