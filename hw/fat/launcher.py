"""Tools as confined children: started by one launcher process, bounded in time, output and memory.

1. A launcher (hw.fat.sandbox) starts one tool at a time; it is started with the first, and ends with `close`.
2. A tool is a process group of its own: when time is up, or the caller's `tick` raises, all of it is killed.
3. Its output goes to the caller in pieces, or straight into a file that the caller opened, and never past
   a limit; of its complaints 4 KiB are kept.
"""

import math
import os
import selectors
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from types import TracebackType
from typing import BinaryIO, Literal, Self

from hw.errors import StickError, StickFormatError, StickIoError, ToolsError
from hw.fat import sandbox
from hw.ports import Tick

Mode = Literal["r", "w", "f"]
"""What the tool may do to the node: read, write, or format (write, and ask the device for its shape)."""

_BASE_TIMEOUT_S = 60.0
_SLOWEST_BYTES_PER_S = 100_000  # of a stick that is still worth waiting for
_TICK_S = 0.25
_PIECE_BYTES = 1 << 16
_COMPLAINT_BYTES = 4096
_REAP_S = 5.0
_ANSWER_BYTES = 32


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


class Launcher:
    """A process that starts tools; a context manager that ends it. It dies with the thread that began it."""

    def __init__(self) -> None:
        self._channel, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            self._process = subprocess.Popen(
                sandbox.launcher(theirs.fileno()),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                pass_fds=(theirs.fileno(),),
                start_new_session=True,
                env={},
                cwd="/",
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the process; no tool can be run any more."""
        self._channel.close()
        try:
            self._process.wait(_REAP_S)
        except subprocess.TimeoutExpired:
            # its tool hangs in a dead device, and ends when the kernel gives the device up
            self._process.kill()

    def run(
        self,
        command: Sequence[str],
        *,
        node: int,
        mode: Mode,
        node_bytes: int,
        offset: int = 0,
        source: int = -1,
        sink: Callable[[bytes], object] | None = None,
        into: int = -1,
        limits: Limits | None = None,
        tick: Tick | None = None,
    ) -> Outcome:
        """Run a tool to its end.

        Args:
            command: Tool and arguments; the stick is drive sandbox.DRIVE (mtools) or file NODE, the source
                file SOURCE.
            node: Descriptor of the stick.
            mode: What it may do to the stick.
            node_bytes: Size of the volume; no file grows past it.
            offset: Where the volume begins in the node, in bytes.
            source: Descriptor of the file to write, -1 for none.
            sink: Takes standard output in pieces; None drops it.
            into: Descriptor of an empty file that takes standard output instead: not a byte of it comes here.
            limits: How much it may take.
            tick: Called with 0 about four times a second.

        Returns:
            Its status and complaint.

        Raises:
            StickIoError: It took too long.
            StickFormatError: It printed more than it may.
            ToolsError: It is not installed, or could not be confined and was not run.
            StickError: The launcher is gone, with a tool that hung in a dead device.
        """
        limits = limits or Limits()
        max_bytes = offset + node_bytes if mode != "r" else limits.output_bytes if into >= 0 else 0
        arguments = [mode, str(offset), str(math.ceil(limits.timeout_s)), str(max_bytes), *command]
        with ExitStack() as pipes:
            with ExitStack() as theirs:
                printed, output = (None, into) if into >= 0 else _open_pipe(pipes, theirs)
                complained, complaints = _open_pipe(pipes, theirs)
                given = (output, complaints, node, source)
                group = self._start(arguments, [descriptor for descriptor in given if descriptor >= 0])
            try:
                complaint = _collect_output(printed, complained, sink or len, limits, tick or _ignore_tick)
            except BaseException:
                with suppress(ProcessLookupError):
                    os.killpg(group, signal.SIGKILL)
                raise
            finally:
                status = self._wait()
        if status == sandbox.NOT_RUN:
            raise ToolsError(complaint)
        return Outcome(status=status, complaint=complaint)

    def _start(self, arguments: list[str], descriptors: list[int]) -> int:
        """Have a tool started; return its process group."""
        packet = "".join(f"{argument}\0" for argument in arguments).encode()
        try:
            socket.send_fds(self._channel, [packet], descriptors)
            return int(self._channel.recv(_ANSWER_BYTES))
        except (OSError, ValueError) as error:  # an empty answer is no number
            raise StickError(f"{' '.join(arguments[4:])} could not be started: {error}") from error

    def _wait(self) -> int:
        """Return the status of the tool; one that hangs is left to the kernel, with its launcher."""
        self._channel.settimeout(_REAP_S)
        try:
            status = int(self._channel.recv(_ANSWER_BYTES))
        except (OSError, ValueError):
            self.close()
            return -signal.SIGKILL
        self._channel.settimeout(None)
        return status


def _open_pipe(ours: ExitStack, theirs: ExitStack) -> tuple[BinaryIO, int]:
    """Return our reading end, and the writing end that a tool gets."""
    reading, writing = os.pipe2(os.O_CLOEXEC)
    theirs.callback(os.close, writing)
    return ours.enter_context(os.fdopen(reading, "rb", buffering=0)), writing


def _collect_output(
    printed: BinaryIO | None,
    complained: BinaryIO,
    sink: Callable[[bytes], object],
    limits: Limits,
    tick: Tick,
) -> str:
    """Pass on what a tool prints until it closes its outputs, and return its complaint."""
    deadline = time.monotonic() + limits.timeout_s
    next_tick = time.monotonic() + _TICK_S
    left_bytes, complaint = limits.output_bytes, bytearray()
    with selectors.DefaultSelector() as waiting:
        for pipe in filter(None, (printed, complained)):
            waiting.register(pipe, selectors.EVENT_READ)
        while waiting.get_map():
            for key, _ in waiting.select(_TICK_S):
                piece = os.read(key.fd, _PIECE_BYTES)
                if not piece:
                    waiting.unregister(key.fileobj)
                elif key.fileobj is complained:
                    complaint += piece[: _COMPLAINT_BYTES - len(complaint)]
                else:
                    left_bytes -= len(piece)
                    if left_bytes < 0:
                        raise StickFormatError("the stick holds more than its folder says")
                    sink(piece)
            now = time.monotonic()
            if now > deadline:
                raise StickIoError(f"the stick did not answer within {limits.timeout_s:.0f} s")
            if now >= next_tick:
                next_tick = now + _TICK_S
                tick(0)
    text = complaint.decode("utf-8", "replace")
    return " ".join("".join(character if character.isprintable() else " " for character in text).split())


def _ignore_tick(_: int) -> None:
    """Take a tick that nobody asked for."""
