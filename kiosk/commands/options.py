"""What the commands of `pism` share: options, passphrases, questions, progress bars, output.

Rules: results go to standard output, everything said to a person goes to standard error; a progress bar
appears on a terminal only. How a command ends is kiosk.commands.ending's.
"""

import os
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, TypeVar

import click
import msgspec

from core.errors import FileError, PassphraseError, StoppedError
from core.printable import escape, escape_json
from core.progress import Progress, Report, report_nothing
from kiosk.commands.ending import NO_OUTPUT, let_go_of_output, printable, stopping, tell
from kiosk.commands.kinds import CONFIGURATION
from kiosk.text.counts import count
from kiosk.text.wrap import look_alike

F = TypeVar("F", bound=Callable[..., Any])

MAX_PASSPHRASE_FILE_BYTES = 4096

STATE: Final = Path("/var/lib/pism")
CONFIG: Final = Path("/etc/pism/config.yaml")
CONFIG_VARIABLE: Final = "PISM_CONFIG"

state_option = click.option(
    "--state",
    type=click.Path(path_type=Path),
    envvar="PISM_STATE",
    show_envvar=True,
    default=STATE,
    show_default=True,
    help="The state folder.",
)


def _make_config_option(kind: click.Path) -> Callable[[F], F]:
    return click.option(
        "--config",
        type=kind,
        envvar=CONFIG_VARIABLE,
        show_envvar=True,
        default=CONFIG,
        show_default=True,
        help="The configuration.",
    )


config_option = _make_config_option(CONFIGURATION)
daemon_config_option = _make_config_option(click.Path(path_type=Path))  # whatever is wrong, the panel says it
passphrase_option = click.option(
    "--passphrase-file",
    type=click.Path(path_type=Path, allow_dash=True),
    help="Read the passphrase from this file, `-` for standard input; else it is asked for.",
)
identity_passphrase_option = click.option(
    "--identity-passphrase-file",
    type=click.Path(path_type=Path, allow_dash=True),
    help="Read the identity's passphrase, if it has one, from this file, `-` for standard input.",
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")


def read_passphrase(file: Path | None, *, prompt: str = "Passphrase", confirm: bool = False) -> bytes:
    """Return the canonical passphrase of a box from `file` (its first line), or asked for on the terminal.

    Raises:
        FileError: The file cannot be read, is too large or no text (E-FILE).
        PassphraseWeakError: It holds characters that no passphrase may (E-PASSPHRASE-WEAK).
        PassphraseError: There is nobody to ask (E-PASSPHRASE).
    """
    from core.crypto.passphrase import canonical

    if file is None:
        return canonical(_ask(prompt, "--passphrase-file", confirm=confirm))
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
        return os.fsencode(_ask("Passphrase of the identity", "--identity-passphrase-file", confirm=False))
    data = _read_passphrase_file(file)
    end = next((end for end in (b"\r\n", b"\n") if data.endswith(end)), b"")
    return data.removesuffix(end)


def _read_passphrase_file(file: Path) -> bytes:
    if str(file) == "-":
        return sys.stdin.buffer.readline(MAX_PASSPHRASE_FILE_BYTES + 1)
    from core.files import read_bounded

    return read_bounded(file, MAX_PASSPHRASE_FILE_BYTES)


def _ask(prompt: str, option: str, *, confirm: bool) -> str:
    """Ask for a secret on the terminal."""
    if not _is_there_a_terminal():  # before anything is shown: asking would warn of an echo
        raise PassphraseError(f"there is no terminal to ask for it on; use {option}")
    try:
        answer: str = click.prompt(prompt, hide_input=True, confirmation_prompt=confirm, err=True)
    except UnicodeDecodeError:  # its text would quote what was typed
        raise PassphraseError(f"what was typed is no text here; use {option}") from None
    return answer


def _is_there_a_terminal() -> bool:
    """Return whether a secret can be asked for: on the terminal of the session, or on standard input."""
    try:
        os.close(os.open("/dev/tty", os.O_RDWR | os.O_NOCTTY))
    except OSError:
        return sys.stdin is not None and sys.stdin.isatty()
    return True


class PluginTerminal:
    """Who answers the program of a key in hardware: the person at the terminal, or nobody."""

    def tell(self, text: str) -> None:
        """Say it."""
        say(text)

    def ask(self, text: str, *, secret: bool) -> str | None:
        """Return what was typed; None without a terminal, or where Ctrl-C answered."""
        if not _is_there_a_terminal():
            return None
        try:
            with _bars_aside():
                answer: str = click.prompt(text, hide_input=secret, default="", show_default=False, err=True)
        except (click.Abort, UnicodeDecodeError):
            return None
        return answer

    def choose(self, text: str, yes: str, no: str | None) -> bool | None:
        """Return whether it is yes; None without a terminal, or where Ctrl-C answered."""
        if not _is_there_a_terminal():
            return None
        try:
            with _bars_aside():
                return click.confirm(f"{text} (y: {yes}, n: {no or 'no'})", err=True)
        except click.Abort:
            return None


def confirm(question: str) -> bool:
    """Ask the person at the terminal, on standard error."""
    return click.confirm(question, err=True)


def require_yes(question: str) -> None:
    """Ask the person at the terminal, and go on after a yes only.

    Raises:
        StoppedError: It was a no (E-STOPPED).
    """
    if not confirm(question):
        raise StoppedError("you said no: nothing was done")


def say(text: str) -> None:
    """Say something to the person at the terminal, with what cannot be seen escaped."""
    tell(text)


def show(text: str | bytes) -> None:
    """Print a result: text, or JSON in UTF-8; a terminal is sent nothing but what can be seen.

    Raises:
        FileError: There is no standard output, or what it leads to takes no more (E-FILE).
    """
    if sys.stdout is None:
        raise FileError(NO_OUTPUT)
    if isinstance(text, str):
        text = printable(text)
    elif sys.stdout.isatty():  # a program gets the very bytes: a line of the journal has a hash
        text = escape_json(text)
    try:
        click.echo(text)
    except BrokenPipeError:
        raise
    except OSError as error:
        let_go_of_output()
        raise FileError(f"the result cannot be written: {error.strerror}") from error


def example(*lines: str) -> str:
    """Return what stands below a command's help."""
    return "\b\n" + "\n".join(
        ("Examples:" if len(lines) > 1 else "Example:", *(f"  {line}" for line in lines))
    )


def tell_recognition(state: Path, passphrase: bytes) -> None:
    """Say by which words this box will be known, where a passphrase has them."""
    from core.authority.passphrase import recognize

    if words := recognize(state, passphrase):
        say(
            f"recognition words, for the paper: {' '.join(words)} (the panel shows them after the third word)"
        )


def tell_late_roots(number: int) -> None:
    """Print that roots must be exported today, if there are such."""
    if number:
        starts = "starts before it" if number == 1 else "start before they"
        show(f"{count(number, 'root')} {starts} could be spread: export today")


def tell_look_alike(names: Iterable[str], new: Iterable[str] | None = None) -> None:
    """Warn of names that a list of the panel shows alike.

    Args:
        names: Targets and destinations.
        new: Only where one of these is among them; None: all.
    """
    wanted = None if new is None else frozenset(new)
    for alike in look_alike(names):
        if wanted is None or not wanted.isdisjoint(alike):
            say(f"warning: in a list of the panel these look alike: {', '.join(alike)}")


def show_json(value: object) -> None:
    """Print a result for a program to read: UTF-8 in any locale (RFC 8259 8.1)."""
    show(msgspec.json.format(msgspec.json.encode(value, order="sorted"), indent=2))


@contextmanager
def progress_bar() -> Iterator[Report]:
    """Yield what draws reports of progress on a terminal, is silent elsewhere, and lets Ctrl-C stop the work.

    Phases on one scale are one bar, and so is what counts on; nothing to do is none.
    """
    with stopping() as stop_if_asked, _drawn() as draw:

        def report(progress: Progress) -> None:
            draw(progress)
            stop_if_asked(str(progress))

        yield report


_bars: Final[list[Any]] = []
"""The bar on the terminal, if there is one: what is drawn ten times a second would hide a question."""


@contextmanager
def _bars_aside() -> Iterator[None]:
    drawn = [bars for bars in _bars if bars.live.is_started]
    for bars in drawn:
        bars.stop()
    try:
        yield
    finally:
        for bars in drawn:
            bars.start()


@contextmanager
def _drawn() -> Iterator[Report]:
    if sys.stderr is None or not sys.stderr.isatty():
        yield report_nothing
        return
    from rich import progress as rich
    from rich.console import Console

    columns = (
        rich.TextColumn("{task.description}", markup=False),
        rich.BarColumn(),
        rich.TimeRemainingColumn(elapsed_when_finished=True),
    )
    bars = rich.Progress(*columns, console=Console(stderr=True))
    bar: rich.Task | None = None

    def draw(progress: Progress) -> None:
        nonlocal bar
        done, total = progress.scale
        if not total:
            return
        what = escape(str(progress))
        if bar is None or bar.total != total or done < bar.completed:
            if bar is not None:
                bars.update(bar.id, completed=bar.total)
            bars.add_task(what, total=total)
            bar = bars.tasks[-1]
            bars.start()  # not before: a question may come first
        bars.update(bar.id, description=what, completed=done)

    _bars.append(bars)
    try:
        yield draw
    finally:
        _bars.remove(bars)
        if bar is not None:
            bars.stop()


def report_units(report: Report) -> Callable[[int, int, str], None]:
    """Return what a stick's work calls (hw knows no core), for a report of progress."""
    return lambda done, total, what: report(Progress(done=done, total=total, what=what, counted=False))
