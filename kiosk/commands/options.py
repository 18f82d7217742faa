"""What the commands of `pism` share: options, passphrases, progress bars, output, refusals.

Rules: results go to standard output, everything said to a person goes to standard error; a progress bar
appears on a terminal only. Exit status: 0 done, 1 `error E-CODE: text`, 2 usage.
"""

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import click
import msgspec

from core.errors import CaError, FileError, PassphraseError, describe_bug
from core.printable import escape, escape_json
from core.progress import Progress, Report, report_nothing
from hw.errors import HardwareError

F = TypeVar("F", bound=Callable[..., Any])

MAX_PASSPHRASE_FILE_BYTES = 4096

state_option = click.option(
    "--state",
    type=click.Path(path_type=Path),
    default=Path("/var/lib/pism"),
    show_default=True,
    help="The state folder.",
)
config_option = click.option(
    "--config",
    type=click.Path(path_type=Path),
    default=Path("/etc/pism/config.yaml"),
    show_default=True,
    help="The configuration.",
)
passphrase_option = click.option(
    "--passphrase-file",
    type=click.Path(path_type=Path, allow_dash=True),
    help="Read the passphrase from this file, `-` for standard input; else it is asked for.",
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")


class RefusingGroup(click.Group):
    """A command group that turns refusals into one line and exit status 1."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; a bug shows where it happened, never the values it happened with."""
        try:
            return super().invoke(ctx)
        except (CaError, HardwareError) as error:
            say_line(f"error {error.code}: {error}")
            ctx.exit(1)
        except (click.ClickException, click.exceptions.Exit, click.Abort, KeyboardInterrupt):
            raise
        except BrokenPipeError:
            ctx.exit(1)
        except Exception as error:  # noqa: BLE001  anything else is a bug of ours and must say so
            say(describe_bug(error))
            say_line("error E-BUG: this is a mistake in PiSM; nothing more can be said here")
            ctx.exit(1)


def read_passphrase(file: Path | None, *, prompt: str = "Passphrase", confirm: bool = False) -> bytes:
    """Return the canonical passphrase of a box from `file` (its first line), or asked for on the terminal.

    Raises:
        FileError: The file cannot be read, is too large or no text (E-FILE).
        PassphraseWeakError: It holds characters that no passphrase may (E-PASSPHRASE-WEAK).
        PassphraseError: There is nobody to ask (E-PASSPHRASE).
    """
    from core.crypto.passphrase import canonical

    if file is None:
        return canonical(_ask(prompt, confirm=confirm))
    from core.plain_text import read_plain_text

    data = _read_passphrase_file(file)
    plain = read_plain_text(data, lambda what: FileError(f"the passphrase file {what}"))
    try:
        return canonical(plain.split(b"\n", 1)[0].decode())
    except UnicodeDecodeError:
        raise FileError("the passphrase file is not UTF-8 text") from None


def read_new_passphrase(file: Path | None) -> bytes:
    """Return the next passphrase of a box; what its panel cannot type is refused before anything is done.

    Raises:
        CaError: As read_passphrase.
    """
    from core.crypto.passphrase import require_typable

    passphrase = read_passphrase(file, prompt="New passphrase", confirm=True)
    require_typable(passphrase.decode())
    return passphrase


def read_identity_passphrase(file: Path | None) -> bytes:
    """Return the passphrase of a private key, byte for byte as its maker gave it.

    Args:
        file: All of it, less one line end, is the passphrase; of standard input, `-`, one line. None: it is
            asked for on the terminal, and taken in the terminal's encoding.

    Raises:
        FileError: The file cannot be read or is too large (E-FILE).
        PassphraseError: There is nobody to ask (E-PASSPHRASE).
    """
    if file is None:
        return os.fsencode(_ask("Passphrase of the identity", confirm=False))
    data = _read_passphrase_file(file)
    end = next((end for end in (b"\r\n", b"\n") if data.endswith(end)), b"")
    return data.removesuffix(end)


def _read_passphrase_file(file: Path) -> bytes:
    if str(file) == "-":
        return sys.stdin.buffer.readline(MAX_PASSPHRASE_FILE_BYTES + 1)
    from core.files import read_bounded

    return read_bounded(file, MAX_PASSPHRASE_FILE_BYTES)


def _ask(prompt: str, *, confirm: bool) -> str:
    """Ask for a secret on the terminal."""
    nobody = PassphraseError("there is no terminal to ask for it on; use --passphrase-file")
    if sys.stdin is None:
        raise nobody
    try:
        answer: str = click.prompt(prompt, hide_input=True, confirmation_prompt=confirm, err=True)
    except click.Abort:
        if sys.stdin.isatty():  # the person ended it
            raise
        raise nobody from None
    except UnicodeDecodeError:  # its text would quote what was typed
        raise PassphraseError("what was typed is no text here; use --passphrase-file") from None
    return answer


def say(text: str) -> None:
    """Say something to the person at the terminal, with what cannot be seen escaped."""
    click.echo(_printable(text), err=True)


def say_line(text: str) -> None:
    """Say something that is one line, whatever it repeats."""
    click.echo(escape(text), err=True)


def show(text: str | bytes) -> None:
    """Print a result: text, or JSON in UTF-8; a terminal is sent nothing but what can be seen.

    Raises:
        FileError: What standard output leads to takes no more (E-FILE).
    """
    if isinstance(text, str):
        text = _printable(text)
    elif sys.stdout.isatty():  # a program gets the very bytes: a line of the journal has a hash
        text = escape_json(text)
    try:
        click.echo(text)
    except BrokenPipeError:
        raise
    except OSError as error:
        _let_go_of_output()
        raise FileError(f"the result cannot be written: {error.strerror}") from error


def _printable(text: str) -> str:
    return "\n".join(map(escape, text.split("\n")))


def _let_go_of_output() -> None:
    """Drop what standard output still holds, so that the end of the program does not try it again."""
    with open(os.devnull, "wb") as nothing:  # noqa: PTH123  a device
        os.dup2(nothing.fileno(), sys.stdout.fileno())


def show_json(value: object) -> None:
    """Print a result for a program to read: UTF-8 in any locale (RFC 8259 8.1)."""
    show(msgspec.json.format(msgspec.json.encode(value, order="sorted"), indent=2))


@contextmanager
def progress_bar() -> Iterator[Report]:
    """Yield what draws reports of progress on a terminal and is silent elsewhere."""
    if not sys.stderr.isatty():
        yield report_nothing
        return
    from rich import progress as rich
    from rich.console import Console

    columns = (
        rich.TextColumn("{task.description}", markup=False),
        rich.BarColumn(),
        rich.MofNCompleteColumn(),
        rich.TimeRemainingColumn(),
    )
    with rich.Progress(*columns, console=Console(stderr=True)) as bars:
        tasks: dict[str, Any] = {}

        def show(progress: Progress) -> None:
            if progress.what not in tasks:
                tasks[progress.what] = bars.add_task(escape(progress.what), total=progress.total)
            bars.update(tasks[progress.what], completed=progress.done, total=progress.total)

        yield show


def report_units(report: Report) -> Callable[[int, int, str], None]:
    """Return what a stick's work calls (hw knows no core), for a report of progress."""
    return lambda done, total, what: report(Progress(done=done, total=total, what=what))
