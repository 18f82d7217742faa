"""What a visit waits for: how often it syncs, and how much it writes, to the store, the stick and the spool.

Counted by strace over a `pism demo`: a box is founded, topped up, exported and backed up onto one stick,
and both archives are opened. Counts are the same on every machine; a wait for each is what flash makes of it.

Run by `make bench`, or alone: `python tests/bench/bench_writes.py`. Prints what it saw.
"""

import re
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Final

import pytest

from hw.fat.volume import open_volume
from tests.bench.children import REPOSITORY, serve

CALLS: Final = "fsync,fdatasync,syncfs,write,writev,pwrite64,pwritev,pwritev2,copy_file_range,sendfile"
# pid, call, what the descriptor is open on, what came of it
_LINE: Final = re.compile(r"\d+ +(?P<call>\w+)\(\d+<(?P<path>/[^>]*)>.*= (?P<result>\d+)$")
MOST_SYNCS: Final = {"state": 90, "sticks": 60}
MOST_BYTES_A_BYTE: Final = 1.4  # written to the stick for each byte of its files


def count(log: Path, folder: Path) -> tuple[Counter[str], Counter[str]]:
    """Return how many syncs and how many bytes went into each folder of the demo."""
    syncs, written = Counter[str](), Counter[str]()
    for line in log.read_text(errors="replace").splitlines():
        found = _LINE.match(line)
        if not found or folder not in Path(found["path"]).parents:
            continue
        place = Path(found["path"]).relative_to(folder).parts[0]
        if "sync" in found["call"]:
            syncs[place] += 1
        else:
            written[place] += int(found["result"])
    return syncs, written


@pytest.mark.bench
def test_a_visit_syncs_and_writes_no_more_than_it_has_to(tmp_path: Path) -> None:
    log, folder = tmp_path / "log", tmp_path / "demo"
    traced = ["strace", "-f", "-y", "-qq", "-s", "0", "-o", log, "-e", f"trace={CALLS}"]
    demo = [Path(sys.executable).with_name("pism"), "demo", "--dir", folder]
    subprocess.run([*traced, *demo], check=True, stdout=subprocess.DEVNULL, cwd=REPOSITORY)
    syncs, written = count(log, folder)
    with open_volume(folder / "sticks" / "PISM-ALL.img") as volume:
        sizes = [item.size_bytes for name in ("", "public") for item in volume.list(name)]
    ratio = written["sticks"] / sum(sizes)
    for place, what in (
        ("state", "store"),
        ("sticks", "stick"),
        ("spool", "spool"),
        ("opened", "both opened"),
    ):
        most = f" (at most {MOST_SYNCS[place]})" if place in MOST_SYNCS else ""
        print(f"\n{what}: {syncs[place]} syncs{most}, {written[place] / 1e6:.2f} MB written", end="")
    print(f"\n  to the stick {ratio:.2f} bytes for each of its files' (at most {MOST_BYTES_A_BYTE})")
    assert all(0 < syncs[place] <= most for place, most in MOST_SYNCS.items())
    assert ratio <= MOST_BYTES_A_BYTE


if __name__ == "__main__":
    serve(__file__)
