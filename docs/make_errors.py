"""Write docs/errors.md from the error classes and the kiosk's words: `make docs`.

The page is generated so that the screen, the journal, the command line and the manual share one table;
tests/docs/test_errors.py refuses a page that is not what this makes.
"""

from pathlib import Path

from core.errors import CaError
from hw.errors import HardwareError
from kiosk.text.hints import differing_codes, hint
from kiosk.text.messages import explain, known_codes

PAGE = Path(__file__).with_name("errors.md")
_HEAD = """# Error codes

Every refusal has a code that the screen, the journal, the command line and this page share. The command line
says `error E-CODE: what happened` and, below it, `hint: what to do`. This page is made from the code by
`make docs`.

| code | on the screen | what it means | what to do |
|---|---|---|---|
"""


def make_page() -> str:
    """Return the page: one row a code, in alphabetical order."""
    meanings = {
        error.code: (error.__doc__ or "").split("\n", 1)[0]
        for error in (*_tree(CaError), *_tree(HardwareError))
    }
    rows = []
    for code in sorted(known_codes()):
        message = explain(code)
        meaning = meanings.get(code, message.happened).rstrip(".")
        action = " ".join(message.action)
        if code in differing_codes():
            action += f"; at a command line: {hint(code)}"
        rows.append(f"| `{code}` | {message.happened} | {meaning} | {action} |\n")
    return _HEAD + "".join(rows)


def _tree(root: type[CaError | HardwareError]) -> list[type[CaError | HardwareError]]:
    """Return a class of errors and all below it."""
    found = [root]
    for child in root.__subclasses__():
        found += _tree(child)
    return found


if __name__ == "__main__":
    PAGE.write_text(make_page(), encoding="utf-8")
