"""First frame: from the start of the process to the picture on the panel, against the bare imports.

Run by `make bench`, or alone: `python tests/bench/bench_first_frame.py`. Prints what it saw.
"""

import resource
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.bench.children import serve

ROOT = Path(__file__).resolve().parents[2]
MAX_RATIO = 1.5
ROUNDS = 15
BARE = "import luma.oled.device, luma.core.interface.serial\nfrom PIL import Image"
# The way of kiosk.__main__, but for the wires: the bus ends in the twin of the panel.
LIT = """
import sys
from kiosk.daemon.first_light import light
def open_panel(wiring):
    from hw.display.emulated import Panel, open_serial
    from hw.display.oled import Oled
    global panel
    panel = Panel(wiring.driver, wiring.address)
    return Oled(controller=wiring.driver, open_serial=lambda: open_serial(panel, wiring.bus))
light(["kiosk", "--config", sys.argv[1]], open_panel)
assert panel.on and panel.image().getbbox()
"""

pytestmark = pytest.mark.bench


def measure(code: str) -> tuple[float, float]:
    """Return seconds of wall clock and of CPU that a process takes."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    start = time.perf_counter()
    subprocess.run([sys.executable, "-c", code, str(ROOT / "config.yaml")], cwd=ROOT, check=True)
    wall = time.perf_counter() - start
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def test_the_first_frame_comes_with_the_bare_imports() -> None:
    bare, lit = [], []
    for _ in range(ROUNDS):  # in turn, so that a busy machine is busy for both
        bare.append(measure(BARE))
        lit.append(measure(LIT))
    for what, number in (("wall clock", 0), ("CPU", 1)):
        least_bare, least_lit = (min(times[number] for times in each) for each in (bare, lit))
        print(
            f"\nfirst frame, {what}: {least_lit * 1e3:.0f} ms; bare imports of luma.oled and Pillow "
            f"{least_bare * 1e3:.0f} ms; ratio {least_lit / least_bare:.2f}"
        )
    assert least_lit / least_bare <= MAX_RATIO


if __name__ == "__main__":
    serve(__file__)
