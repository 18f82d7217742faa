"""Run one tool of mtools or dosfstools on a stick, confined, bounded in time, output and memory.

Owns the child process. Rules:

1. The child is hw/fat/sandbox.py, which becomes the tool; standard input is /dev/null.
2. It is a session of its own: when time is up, or the caller's `tick` raises, the whole group is killed.
3. Its output goes to the caller in pieces, or straight into a file that the caller opened, and never past
   a limit; of its complaints 4 KiB are kept.

What an exit status means is not known here: mcopy exits 0 when writing fails (hw.fat.readback, rule 3).
"""

import math
import os
import selectors
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from hw.fat import sandbox
from hw.fat.readback import Tick
from hw.ports import StickError, StickIoError

Mode = Literal["r", "w", "f"]
"""What the tool may do to the node: read, write, or format (write, and ask the device for its shape)."""

DRIVE = sandbox.DRIVE
NODE = sandbox.NODE
SOURCE = sandbox.SOURCE

_BASE_TIMEOUT_S = 60.0
_SLOWEST_BYTES_PER_S = 100_000  # of a stick that is still worth waiting for
_TICK_S = 0.25
_PIECE_BYTES = 1 << 16
_COMPLAINT_BYTES = 4096
_REAP_S = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How a tool ended.

    Args:
        status: Exit status, negative for a signal.
        complaint: What it said on standard error, one line of printable text.
    """

    status: int
    complaint: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How much a tool may take.

    Args:
        output_bytes: On standard output.
        timeout_s: From start to end; as much of it may be spent computing.
    """

    output_bytes: int = 8 << 20
    timeout_s: float = _BASE_TIMEOUT_S


def limits_for(size_bytes: int) -> Limits:
    """Return limits for moving that many bytes to or from a stick."""
    return Limits(output_bytes=size_bytes, timeout_s=_BASE_TIMEOUT_S + size_bytes / _SLOWEST_BYTES_PER_S)


def run_tool(
    command: Sequence[str],
    *,
    node: int,
    mode: Mode,
    node_bytes: int,
    source: int = -1,
    sink: Callable[[bytes], object] | None = None,
    into: int = -1,
    limits: Limits | None = None,
    tick: Tick | None = None,
) -> Outcome:
    """Run a tool to its end.

    Args:
        command: Tool and arguments; the stick is drive DRIVE (mtools) or file NODE, the source file SOURCE.
        node: Descriptor of the stick.
        mode: What it may do to the stick.
        node_bytes: Size of the stick; no file grows past it.
        source: Descriptor of the file to write, -1 for none.
        sink: Takes standard output in pieces; None drops it.
        into: Descriptor of an empty file that takes standard output instead: not a byte of it comes here.
        limits: How much it may take.
        tick: Called with 0 about four times a second.

    Returns:
        Its status and complaint.

    Raises:
        StickIoError: It took too long, or printed more than it may.
        StickError: It is not installed, or could not be confined and was not run.
    """
    limits = limits or Limits()
    arguments = [
        mode,
        str(node),
        str(source),
        str(math.ceil(limits.timeout_s)),
        str(node_bytes if mode != "r" else limits.output_bytes if into >= 0 else 0),
        *command,
    ]
    launcher = [sys.executable, "-I", "-S", str(Path(sandbox.__file__)), *arguments]
    child = subprocess.Popen(
        launcher,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE if into < 0 else into,
        stderr=subprocess.PIPE,
        pass_fds=tuple(descriptor for descriptor in (node, source) if descriptor >= 0),
        start_new_session=True,
        env={},
        cwd="/",
    )
    try:
        complaint = _follow(child, sink or len, limits, tick or _tell_nobody)
    except BaseException:
        with suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGKILL)
        raise
    finally:
        # a child that hangs in a dead device cannot be killed; it ends when the kernel gives the device up
        with suppress(subprocess.TimeoutExpired):
            child.wait(_REAP_S)
        for pipe in filter(None, (child.stdout, child.stderr)):
            pipe.close()
    if child.returncode == sandbox.NOT_RUN:
        raise StickError(complaint)
    return Outcome(status=child.returncode, complaint=complaint)


def _follow(
    child: "subprocess.Popen[bytes]", sink: Callable[[bytes], object], limits: Limits, tick: Tick
) -> str:
    """Pass on what the child prints until it closes its outputs, and return its complaint."""
    deadline = time.monotonic() + limits.timeout_s
    next_tick = time.monotonic() + _TICK_S
    left_bytes, complaint = limits.output_bytes, bytearray()
    with selectors.DefaultSelector() as waiting:
        for pipe in filter(None, (child.stdout, child.stderr)):
            waiting.register(pipe, selectors.EVENT_READ)
        while waiting.get_map():
            for key, _ in waiting.select(_TICK_S):
                piece = os.read(key.fd, _PIECE_BYTES)
                if not piece:
                    waiting.unregister(key.fileobj)
                elif key.fileobj is child.stderr:
                    complaint += piece[: _COMPLAINT_BYTES - len(complaint)]
                else:
                    left_bytes -= len(piece)
                    if left_bytes < 0:
                        raise StickIoError("the stick holds more than its folder says")
                    sink(piece)
            now = time.monotonic()
            if now > deadline:
                raise StickIoError(f"the stick did not answer within {limits.timeout_s:.0f} s")
            if now >= next_tick:
                next_tick = now + _TICK_S
                tick(0)
    text = complaint.decode("utf-8", "replace")
    return " ".join("".join(character if character.isprintable() else " " for character in text).split())


def _tell_nobody(_: int) -> None:
    """Take a tick that nobody asked for."""
