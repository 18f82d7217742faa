"""`make golden`: draw every sample anew into tests/golden/*.txt, and delete what no sample draws.

What it changes is shown first, on the page of tests.golden.compare.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.golden import compare
from tests.golden.frames import to_text
from tests.kiosk.samples import SAMPLES

FOLDER = Path(__file__).parent


def record(folder: Path) -> tuple[str, ...]:
    """Draw all samples into a folder; return what changed there."""
    told = []
    for orphan in sorted(set(folder.glob("*.txt")) - {folder / f"{name}.txt" for name in SAMPLES}):
        orphan.unlink()
        told.append(f"deleted {orphan.name}")
    for name, sample in SAMPLES.items():
        path = folder / f"{name}.txt"
        text = to_text(sample.draw())
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")
            told.append(f"recorded {path.name}")
    return tuple(told)


def main() -> None:
    """Show what will change on a page, record it, and name it."""
    compare.main()
    print(*record(FOLDER), sep="\n")


if __name__ == "__main__":
    main()
