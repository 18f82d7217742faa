"""Each promise of docs/threat-model.md names tests that exist."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_every_named_test_exists() -> None:
    page = (ROOT / "docs" / "threat-model.md").read_text(encoding="utf-8")
    named = set(re.findall(r"`(test_[a-z0-9_]+)`", page))
    there = {
        name
        for file in (ROOT / "tests").rglob("test_*.py")
        for name in re.findall(
            r"^ *(?:async )?def (test_[a-z0-9_]+)", file.read_text(encoding="utf-8"), re.MULTILINE
        )
    }
    assert named
    assert named <= there


def test_every_promise_names_a_test() -> None:
    page = (ROOT / "docs" / "threat-model.md").read_text(encoding="utf-8")
    promised = page[page.index("## What is promised") : page.index("## An attacker")]
    rows = [
        line for line in promised.splitlines() if line.startswith("| ") and not line.startswith("| promise")
    ]
    assert rows
    assert all("`test_" in row for row in rows)
