"""How commands end: one kind of error line, a hint below it, an exit status; Ctrl-C keeps what is done."""

import errno
import signal
import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

from core.errors import FileError, StoppedError
from core.progress import Progress
from hw.errors import StickFullError
from kiosk.commands.ending import RefusingGroup
from kiosk.commands.options import progress_bar, require_yes
from kiosk.text.hints import differing_codes, hint
from kiosk.text.messages import known_codes
from tests.kiosk.command import ENVIRONMENT, ROOT, run


def end(error: BaseException, typed: str = "") -> Result:
    """Run a command that ends in an error."""
    group = RefusingGroup("pism")

    @group.command("act")
    def act() -> None:
        if isinstance(error, EOFError):
            require_yes("Go on?")
        raise error

    return CliRunner().invoke(group, ["act"], input=typed)


def stopped_by_ctrl_c() -> StoppedError:
    error = StoppedError("stopped by Ctrl-C at signer 3 of 9")
    error.__cause__ = KeyboardInterrupt()
    return error


@pytest.mark.parametrize(
    ("error", "status", "says"),
    [
        (FileError("x is there"), 1, "error E-FILE: x is there\nhint: Check path, space and rights\n"),
        (
            StickFullError("no room"),
            1,
            "error E-STICK-FULL: no room\nhint: Make room on a PC, or use another stick\n",
        ),
        (click.UsageError("no such thing"), 2, "error E-USAGE: no such thing\nhint: pism act --help\n"),
        (click.FileError("f", "no file"), 1, "error E-FILE: Could not open file 'f': no file\nhint: Check"),
        (KeyboardInterrupt(), 130, "error E-STOPPED: stopped by Ctrl-C\nhint: what was finished is kept"),
        (stopped_by_ctrl_c(), 130, "error E-STOPPED: stopped by Ctrl-C at signer 3 of 9\nhint: what was"),
        (
            OSError(errno.ENOSPC, "No space left on device"),
            1,
            "error E-FILE: writing failed: No space left on device\nhint: Check path",
        ),
    ],
)
def test_every_end_is_one_kind_of_line_with_a_hint_below(
    error: BaseException, status: int, says: str
) -> None:
    ended = end(error)
    assert ended.exit_code == status
    assert ended.stderr.lstrip("\n").startswith(says)
    assert ended.stdout == ""


def test_a_no_ends_with_nothing_done() -> None:
    for typed, says in (("n\n", "you said no: nothing was done"), ("", "nobody answered: nothing was done")):
        ended = end(EOFError(), typed)
        assert ended.exit_code == 1
        assert f"error E-STOPPED: {says}\nhint: run it again in a terminal" in ended.stderr
        assert ended.stdout == ""


def test_a_bug_says_where_it_is_and_never_with_what() -> None:
    ended = end(ZeroDivisionError("a secret"))
    assert ended.exit_code == 1
    assert "ZeroDivisionError" in ended.stderr
    assert "\nerror E-BUG: " in ended.stderr
    assert "a secret" not in ended.output


def test_a_wrong_command_line_is_an_error_like_any_other() -> None:
    for arguments in (["nothing"], ["export"], ["status", "--what"], ["stick", "nothing"]):
        ran = run(*arguments)
        assert (ran.status, ran.code) == (2, "E-USAGE")
        assert "Usage:" not in ran.err
        assert ran.err.splitlines()[-1].endswith("--help")


def test_the_choices_of_an_option_are_told_in_a_line() -> None:
    ran = run("revoke", "nosuch")
    assert "Choose from: unspecified, keycompromise, " in ran.err
    assert "\\" not in ran.err


def test_hints_are_for_a_person_at_a_pc() -> None:
    assert differing_codes() <= known_codes()
    for code in known_codes():
        assert "\n" not in hint(code)
        if code not in ("E-VAULT", "E-CLOCK-DATE"):  # a panel's alone
            assert "menu" not in hint(code)
            assert "The box locked" not in hint(code)


def test_ctrl_c_stops_work_between_two_units_and_a_second_one_at_once() -> None:
    before = signal.getsignal(signal.SIGINT)
    with progress_bar() as report:
        report(Progress(done=1, total=9, what="signer"))
        signal.raise_signal(signal.SIGINT)
        with pytest.raises(StoppedError, match="signer 2 of 9"):
            report(Progress(done=2, total=9, what="signer"))
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is before


@pytest.mark.parametrize(
    ("redirect", "arguments"),
    [
        (">/dev/full", ("--help",)),
        (">/dev/full", ("--version",)),
        (">/dev/full", ("plan",)),
        (">&-", ("--help",)),
        (">&-", ("policy", "--help")),
        (">&-", ("--version",)),
        (">&-", ("plan",)),
    ],
)
def test_an_output_that_is_full_or_closed_is_no_bug(
    tmp_path: Path, redirect: str, arguments: tuple[str, ...]
) -> None:
    from tests.kiosk.live import lay_config

    if arguments == ("plan",):
        arguments = ("plan", "--config", str(lay_config(tmp_path)))
    command = ["sh", "-c", f'"$@" {redirect}', "sh", sys.executable, "-m", "kiosk", *arguments]
    done = subprocess.run(command, capture_output=True, timeout=60, cwd=ROOT, check=False, env=ENVIRONMENT)
    assert done.returncode == 1
    assert done.stderr.startswith(b"error E-FILE: ")


def test_errors_that_cannot_be_told_are_no_reason_to_fail_otherwise() -> None:
    for redirect in ("2>/dev/full", "2>&-"):
        command = ["sh", "-c", f'"$@" {redirect}', "sh", sys.executable, "-m", "kiosk", "nothing"]
        done = subprocess.run(
            command, capture_output=True, timeout=60, cwd=ROOT, check=False, env=ENVIRONMENT
        )
        assert (done.returncode, done.stdout) == (2, b"")
