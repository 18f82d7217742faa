"""What was built: the image, what it comes with, and its kernel's modules."""

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

from tests.card.machine import Run, start

GROWN_BYTES = 1 << 30
_LONG_S = float(os.environ.get("PISM_CARD_TIMEOUT_S", "900"))


@dataclass(frozen=True, slots=True)
class Release:
    """What was built: the image, what it comes with, and its kernel's modules, all of them."""

    image: Path
    published: str
    modules: Path
    consoles: Path

    def lay(self, folder: Path) -> Path:
        """Return a copy of the image on a card of a GiB."""
        card = folder / "card.img"
        subprocess.run(["cp", "--sparse=always", self.image, card], check=True)
        os.truncate(card, GROWN_BYTES)
        return card

    def run(self, card: Path, name: str) -> Run:
        """Start a card, and leave what its console said where a person finds it."""
        found = start(card, self.modules, card.parent / name, timeout_s=_LONG_S)
        (self.consoles / f"{name}.console").write_text(found.console, encoding="utf-8")
        return found
