"""What a terminal is sent: nothing that it would obey, and nothing that hides what stands beside it."""

import io
import json
import re
import sys
from pathlib import Path

import msgspec
import pytest

from core.printable import is_printable
from kiosk.commands.options import say, show, show_json
from tests.core.test_printable import UNSEEN
from tests.kiosk.command import run

ROOT = Path(__file__).parents[3]


class Terminal(io.TextIOWrapper):
    """A terminal, as far as the commands look at it."""

    def __init__(self) -> None:
        self.seen = io.BytesIO()
        super().__init__(self.seen, encoding="utf-8")

    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize("hidden", UNSEEN.values(), ids=UNSEEN)
def test_all_that_is_said_or_shown_can_be_seen(hidden: str, capsys: pytest.CaptureFixture[str]) -> None:
    text = f"first{hidden}\nsecond"
    say(text)
    show(text)
    told = capsys.readouterr()
    for shown in (told.out, told.err):
        assert all(map(is_printable, shown.split("\n")))
        assert "second" in shown.splitlines()


@pytest.mark.parametrize("hidden", UNSEEN.values(), ids=UNSEEN)
def test_json_on_a_terminal_can_be_seen_and_says_the_same(
    hidden: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    terminal = Terminal()
    monkeypatch.setattr(sys, "stdout", terminal)
    show_json({"name": hidden})
    shown = terminal.seen.getvalue().decode()
    assert json.loads(shown) == {"name": hidden}
    assert all(map(is_printable, shown.split("\n")))


def test_a_program_gets_the_very_bytes_of_json(capsysbinary: pytest.CaptureFixture[bytes]) -> None:
    """A line of the journal is hashed as it stands."""
    line = msgspec.json.encode({"subject": "\u202e\x7f"})
    show(line)
    assert capsysbinary.readouterr().out == line + b"\n"


@pytest.mark.parametrize("hidden", [hidden for hidden in UNSEEN.values() if hidden != "\n"])
def test_a_refusal_is_one_line_that_can_be_seen(hidden: str, tmp_path: Path) -> None:
    ran = run("stick", "list", tmp_path / f"stick{hidden}.img")
    assert ran.status == 1
    assert all(map(is_printable, ran.err.split("\n")))
    assert ran.code


def test_a_refusal_forges_no_second_line(tmp_path: Path) -> None:
    ran = run("stick", "list", tmp_path / "stick\nerror E-FORGED: all is well")
    assert len(ran.err.splitlines()) == 2  # and the hint


def test_what_a_person_is_told_goes_through_one_place() -> None:
    speaks = re.compile(r"click\.s?echo|\bprint\(|click\.secho|sys\.std(out|err)\.write")
    found = [
        str(file.relative_to(ROOT))
        for room in ("core", "hw", "kiosk", "server")
        for file in sorted((ROOT / room).rglob("*.py"))
        if speaks.search(file.read_text(encoding="utf-8"))
    ]
    # The vault's log has tracebacks without values.
    assert found == ["core/vault/process.py", "kiosk/commands/ending.py", "kiosk/commands/options.py"]
