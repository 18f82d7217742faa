"""The words of drills on a stick: which files are read, and what of them is believed."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from core.api import requests as rq
from core.api import results as rs
from core.api import wire
from core.errors import CaError
from hw.errors import HardwareError
from hw.fat.volume import FatVolume, open_volume
from kiosk.work.drill import MAX_BYTES, BroughtWords, read_drill_stick, record_brought
from kiosk.work.session import Session, VaultRefusalError
from tests.hw.images import make_stick

NOW = datetime(2027, 2, 1, 12, tzinfo=UTC)
SIX = "abandon ability able about above absent"
OTHER = "zoo zone zero zebra youth young"
Lay = Callable[[dict[str, bytes]], FatVolume]


@pytest.fixture
def lay(tmp_path: Path) -> Lay:
    """Return a function that opens a stick with files."""

    def open_stick(files: dict[str, bytes]) -> FatVolume:
        image = make_stick(tmp_path / "stick.img")
        with open_volume(image) as volume:
            for path, data in files.items():
                volume.put_small(path, data)
        return open_volume(image)

    return open_stick


@pytest.mark.parametrize(
    "saved", [f"\ufeff{SIX}\r\n".encode(), SIX.replace(" ", "\r").encode(), SIX.replace(" ", ", ").encode()]
)
def test_words_are_read_in_whatever_form_they_were_saved(lay: Lay, saved: bytes) -> None:
    with lay({"pism-drill-main-backup-000001.txt": saved}) as volume:
        assert read_drill_stick(volume) == (BroughtWords(name="main-backup", words=SIX),)


def test_words_in_utf_16_are_named(lay: Lay) -> None:
    with (
        lay({"pism-drill-main-backup-000001.txt": SIX.encode("utf-16")}) as volume,
        pytest.raises(CaError, match="is UTF-16 text"),
    ):
        read_drill_stick(volume)


def test_the_newest_words_of_each_backup_are_read_and_nothing_else(lay: Lay) -> None:
    files = {
        "pism-drill-main-backup-000009.txt": OTHER.encode(),
        "pism-drill-main-backup-000010.txt": f"{SIX.upper()}\r\n".encode(),
        "pism-drill-spare-000001.txt": SIX.replace(" ", "\n").encode(),
        "pism-drill-main-backup-11.txt": b"not a number of ours",
        "notes.txt": b"not ours",
        "photo.jpg": b"x" * 100,
    }
    with lay(files) as volume:
        assert read_drill_stick(volume) == (
            BroughtWords(name="main-backup", words=SIX.upper()),
            BroughtWords(name="spare", words=SIX),
        )


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (None, "E-STICK-MISSING"),
        (b"", "E-DRILL"),
        (b"abandon ability able about above", "E-DRILL"),
        (SIX.encode() + b" more", "E-DRILL"),
        (b"\xff\xfe" + SIX.encode(), "E-DRILL"),
        (b"x" * (MAX_BYTES + 1), "E-STICK-SIZE"),
    ],
)
def test_a_file_without_six_words_is_refused(lay: Lay, data: bytes | None, code: str) -> None:
    files = {} if data is None else {"pism-drill-main-backup-000001.txt": data}
    with lay(files) as volume, pytest.raises((CaError, HardwareError)) as refused:
        read_drill_stick(volume)
    assert refused.value.code == code


class _Vault(Session):
    """Waits for the words of some backups, and refuses all others."""

    def __init__(self, waiting: dict[str, str]) -> None:
        self._waiting = waiting

    def ask(self, request: object, expected: type, **_: object) -> rs.DrillRecorded:  # type: ignore[override]
        assert isinstance(request, rq.RecordDrill)
        assert expected is rs.DrillRecorded
        name = request.name or ""
        if name == "unplugged":
            raise VaultRefusalError(wire.Failed(code="E-STATE-DAMAGED", text="", action=()))
        if name not in self._waiting:
            raise VaultRefusalError(wire.Failed(code="E-POLICY", text="", action=()))
        if self._waiting.pop(name) != request.words:
            raise VaultRefusalError(wire.Failed(code="E-DRILL", text="", action=()))
        return rs.DrillRecorded(name=name, sequence=3)


def brought(*names: str) -> tuple[BroughtWords, ...]:
    return tuple(BroughtWords(name=name, words=SIX) for name in names)


def test_what_was_recorded_before_or_is_no_more_does_not_hide_what_is_new() -> None:
    vault = _Vault({"main-backup": SIX, "old": OTHER})
    recorded = record_brought(vault, brought("gone", "main-backup", "old"), NOW)
    assert recorded == (rs.DrillRecorded(name="main-backup", sequence=3),)


@pytest.mark.parametrize(
    ("names", "code"), [(("old",), "E-DRILL"), (("unplugged", "main-backup"), "E-STATE-DAMAGED")]
)
def test_where_nothing_is_awaited_or_the_vault_has_a_fault_that_is_said(
    names: tuple[str, ...], code: str
) -> None:
    vault = _Vault({"main-backup": SIX, "old": OTHER})
    with pytest.raises(VaultRefusalError) as refused:
        record_brought(vault, brought(*names), NOW)
    assert refused.value.failed.code == code
