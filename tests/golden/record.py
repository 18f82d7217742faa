"""`make golden`: draw every sample anew into tests/golden/*.txt, and delete what no sample draws.

What it changes is shown first, on the page of tests.golden.compare.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from kiosk.screens import draw
from tests.golden import compare
from tests.golden.frames import to_text
from tests.kiosk.samples import SAMPLES

FOLDER = Path(__file__).parent


def main() -> None:
    """Show what will change on a page, record it, and name it."""
    compare.main()
    for orphan in sorted(set(FOLDER.glob("*.txt")) - {FOLDER / f"{name}.txt" for name in SAMPLES}):
        orphan.unlink()
        print(f"deleted {orphan.name}")
    for name, sample in SAMPLES.items():
        path = FOLDER / f"{name}.txt"
        text = to_text(draw(sample.state, sample.entry, sample.proposal))
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")
            print(f"recorded {path.name}")


if __name__ == "__main__":
    main()
