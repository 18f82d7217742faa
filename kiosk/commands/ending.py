"""How a command ends: done, or with a line that says why not and one that says what to do.

    error E-CODE: what happened
    hint: what to do

1. Exit status: 0 done; 1 refused; 2 the command line is wrong (E-USAGE); 130 stopped by Ctrl-C (E-STOPPED).
2. The two lines are the same for every command, whoever found the fault: the authority, a part of the box,
   the parser of the command line, or the system that takes no more output.
3. A bug (E-BUG) shows where it happened, never the values that it happened with.
"""

import errno
import os
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from types import FrameType
from typing import Any, Final, TextIO

import click

from core.errors import CaError, FileError, StoppedError, describe_bug
from core.printable import escape
from hw.errors import HardwareError
from kiosk.text.hints import hint

REFUSED: Final = 1
WRONG_USAGE: Final = 2
STOPPED: Final = 128 + signal.SIGINT  # what a shell expects of a command that Ctrl-C ended

_NOT_CONFIRMED: Final = "run it again in a terminal, and answer yes; some commands take --yes"
NO_OUTPUT: Final = "the result cannot be written: standard output is closed"
_NO_ROOM: Final = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EROFS, errno.EBADF)


class RefusingGroup(click.Group):
    """A command group that ends as this module says."""

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,  # noqa: FBT001, FBT002  click's signature
        **more: Any,
    ) -> Any:
        """Run the command line and end the process."""

        def run() -> Any:
            status = super(RefusingGroup, self).main(args, prog_name, complete_var, False, **more)  # noqa: FBT003
            if status == 0 and sys.stdout is None:  # help and version: click prints to nowhere without a word
                raise FileError(NO_OUTPUT)
            return status

        if not standalone_mode:
            return run()
        sys.exit(_end(run))


def _end(run: Callable[[], Any]) -> int:
    """Run what a command line asks for, and return the exit status."""
    try:
        status = run()
    except click.exceptions.NoArgsIsHelpError as error:
        tell(error.format_message())
        return WRONG_USAGE
    except BrokenPipeError:  # whoever read has seen enough
        let_go_of_output()
        return REFUSED
    except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001  told, each in its words
        return _refuse(error)
    return status if isinstance(status, int) else 0


def _refuse(error: BaseException) -> int:
    """Say why a command ends and what to do, and return the exit status."""
    code, text, what_to_do, status = "E-BUG", str(error), "", REFUSED
    match error:
        case StoppedError() | click.Abort() | KeyboardInterrupt():
            interrupted = _is_interrupted(error)
            code, status = "E-STOPPED", STOPPED if interrupted else REFUSED
            text = text or ("stopped by Ctrl-C" if interrupted else "nobody answered: nothing was done")
            what_to_do = "" if interrupted else _NOT_CONFIRMED
        case CaError() | HardwareError():
            code = error.code
        case click.UsageError():
            # the library sets choices in lines and tabs
            code, text, status = "E-USAGE", " ".join(error.format_message().split()), WRONG_USAGE
            what_to_do = f"{error.ctx.command_path if error.ctx else 'pism'} --help"
        case click.ClickException():  # a file that cannot be opened
            code, text = "E-FILE", error.format_message()
        case OSError(errno=number) if number in _NO_ROOM:
            let_go_of_output()
            code, text = "E-FILE", f"writing failed: {error.strerror}"
        case _:
            tell(describe_bug(error))
            text = "this is a mistake in PiSM; nothing more can be said here"
    tell(f"error {code}: {escape(text)}\nhint: {what_to_do or hint(code)}")
    return status


def _is_interrupted(error: BaseException) -> bool:
    """Return whether Ctrl-C is behind an error; the library that asks questions says Abort for all."""
    return any(isinstance(one, KeyboardInterrupt) for one in (error, error.__cause__, error.__context__))


def tell(text: str) -> None:
    """Say something to the person at the terminal, with what cannot be seen escaped.

    Where nobody can be told, that is no reason to end.
    """
    try:
        click.echo(printable(text), err=True)
    except OSError:
        _let_go(sys.stderr)


def printable(text: str) -> str:
    """Return text, line by line, with what cannot be seen escaped."""
    return "\n".join(map(escape, text.split("\n")))


def let_go_of_output() -> None:
    """Drop what standard output still holds, so that the end of the program does not try it again."""
    _let_go(sys.stdout)


def _let_go(stream: TextIO | None) -> None:
    if stream is not None:
        with open(os.devnull, "wb") as nothing, suppress(OSError, ValueError):  # noqa: PTH123  a device
            os.dup2(nothing.fileno(), stream.fileno())


@contextmanager
def stopping() -> Iterator[Callable[[str], None]]:
    """Let Ctrl-C end work between two units of it, for the length of a block.

    Yields what the work calls between two units, with how far it is. The first Ctrl-C makes that raise
    StoppedError, so that what is finished is kept; the second one ends at once.
    """
    asked: list[int] = []

    def ask(number: int, _frame: FrameType | None) -> None:
        if asked:
            raise KeyboardInterrupt
        asked.append(number)

    def stop_if_asked(where: str) -> None:
        if asked:
            raise StoppedError(f"stopped by Ctrl-C at {where}") from KeyboardInterrupt()

    before = signal.signal(signal.SIGINT, ask)
    try:
        yield stop_if_asked
    finally:
        signal.signal(signal.SIGINT, before)
