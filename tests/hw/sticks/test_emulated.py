import hashlib
import os
import tempfile
from pathlib import Path

import pytest

from hw.errors import (
    StickFullError,
    StickGoneError,
    StickInUseError,
    StickIoError,
    StickReadOnlyError,
    StickVerifyError,
)
from hw.fat.volume import FatVolume, open_volume
from hw.ports import HardwareEvent, Stick, StickInserted, StickRemoved
from hw.sticks.emulated import EmulatedSticks, Faults, FlashMedium, Socket
from tests.hw.images import make_stick

NAME = "pism-receipt-main-kudo-000001.json"
DATA = bytes(range(256)) * 200


class Slot:
    """Emulated sockets, one image, and what was posted."""

    def __init__(self, folder: Path) -> None:
        self.events: list[HardwareEvent] = []
        self.sticks = EmulatedSticks(folder)
        self.sticks.start(self.events.append)
        self.image = make_stick(folder / "a.img")

    def put(self, faults: Faults, name: str = NAME, data: bytes = DATA) -> Stick:
        """Put the stick in, write a file to it, leave it in."""
        stick = self.sticks.insert(self.image, faults)
        with FatVolume(self.sticks.open_medium(stick)) as volume:
            volume.put_small(name, data)
        return stick


@pytest.fixture
def slot(tmp_path: Path) -> Slot:
    return Slot(tmp_path)


def files_on(image: Path) -> dict[str, int]:
    with open_volume(image) as volume:
        return {item.name: item.size_bytes for item in volume.list()}


def test_tells_what_udev_would_tell(slot: Slot) -> None:
    stick = slot.sticks.insert(slot.image)
    assert slot.events == [StickInserted(stick)]
    assert (stick.label, stick.filesystem, stick.node) == ("PISM-ALL", "vfat", slot.image)
    assert (stick.size_bytes, stick.read_only) == (slot.image.stat().st_size, False)
    assert stick.uuid
    slot.sticks.pull()
    assert slot.events[1:] == [StickRemoved(stick.identity)]


def test_tells_at_the_start_what_is_in_already_and_nothing_after_the_end(tmp_path: Path) -> None:
    sticks = EmulatedSticks(tmp_path)
    stick = sticks.insert(make_stick(tmp_path / "a.img"))
    events: list[HardwareEvent] = []
    sticks.start(events.append)
    assert events == [StickInserted(stick)]
    sticks.close()
    sticks.pull()
    sticks.insert(tmp_path / "a.img")
    assert len(events) == 1


def test_a_blank_stick_has_no_file_system(slot: Slot, tmp_path: Path) -> None:
    (tmp_path / "blank.img").write_bytes(bytes(1 << 20))
    stick = slot.sticks.insert(tmp_path / "blank.img")
    assert (stick.label, stick.filesystem, stick.uuid) == ("", "", "")


def test_the_same_stick_put_in_again_is_another_insertion(slot: Slot) -> None:
    first = slot.sticks.insert(slot.image)
    slot.sticks.pull(first)
    second = slot.sticks.insert(slot.image)
    assert first.identity != second.identity
    with pytest.raises(StickGoneError):
        slot.sticks.open_medium(first)
    slot.sticks.pull(first)
    slot.sticks.open_medium(second).close()


def test_makes_images_and_lists_them(tmp_path: Path) -> None:
    sticks = EmulatedSticks(tmp_path)
    assert [sticks.make("PISM-ALL").name for _ in range(3)] == [
        "PISM-ALL.img",
        "PISM-ALL-2.img",
        "PISM-ALL-3.img",
    ]
    assert len(sticks.images()) == 3
    assert sticks.insert(sticks.images()[0]).label == "PISM-ALL"
    assert EmulatedSticks().images() == ()
    with pytest.raises(StickIoError):
        EmulatedSticks().make("PISM-ALL")
    with pytest.raises(StickIoError):
        sticks.insert(tmp_path / "none.img")


def test_a_stick_without_a_fault_takes_the_file(slot: Slot) -> None:
    stick = slot.put(Faults())
    with FatVolume(slot.sticks.open_medium(stick)) as volume:
        assert volume.get(NAME, len(DATA)) == DATA
        with pytest.raises(StickInUseError):
            slot.sticks.open_medium(stick)
        slot.sticks.pull()
        with pytest.raises(StickGoneError):
            volume.get(NAME, len(DATA))


def test_a_full_stick_is_full_and_its_image_is_not(slot: Slot) -> None:
    with pytest.raises(StickFullError):
        slot.put(Faults(full=True))
    assert files_on(slot.image) == {}


def test_a_full_stick_can_be_read_and_what_is_no_fat_stays_so(slot: Slot, tmp_path: Path) -> None:
    with open_volume(slot.image) as volume:
        volume.put_small(NAME, DATA)
    stick = slot.sticks.insert(slot.image, Faults(full=True))
    medium = slot.sticks.open_medium(stick)
    with FatVolume(medium) as volume:
        assert volume.get(NAME, len(DATA)) == DATA
        assert volume.free_bytes == 0
        medium.flush()
        assert b"".join(medium.read_past_cache(0, 3) or ()) == slot.image.read_bytes()[:3]
    (tmp_path / "blank.img").write_bytes(bytes(1 << 20))
    slot.sticks.open_medium(slot.sticks.insert(tmp_path / "blank.img", Faults(full=True))).close()


def test_a_write_protected_stick_says_so_from_the_start(slot: Slot) -> None:
    with pytest.raises(StickReadOnlyError):
        slot.put(Faults(read_only=True))
    assert isinstance(slot.events[0], StickInserted)
    assert slot.events[0].stick.read_only
    slot.sticks.pull()
    slot.image.chmod(0o444)
    assert slot.sticks.insert(slot.image).read_only


def test_a_dying_stick_is_told_by_fsync_only(slot: Slot) -> None:
    with pytest.raises(StickIoError, match="did not take"):
        slot.put(Faults(dying=True))
    assert files_on(slot.image) == {}


@pytest.mark.parametrize("faults", [Faults(lying="forgets"), Faults(lying="alters")])
@pytest.mark.parametrize("name", [NAME, "public/roots.pem"])
def test_a_lying_stick_is_found_out(slot: Slot, faults: Faults, name: str) -> None:
    with pytest.raises(StickVerifyError):
        slot.put(faults, name)
    assert slot.events[1:] == []
    assert NAME not in files_on(slot.image)


@pytest.mark.parametrize("size", [1, 511, 4096, 100_000])
def test_one_altered_bit_is_found_out_whatever_the_size(slot: Slot, size: int) -> None:
    with pytest.raises(StickVerifyError):
        slot.put(Faults(lying="alters"), data=b"\xff" * size)


@pytest.mark.parametrize("byte", [0, 1, 511, 4096, 8192, 20_000, 51_200, 60_000, 65_536])
def test_a_stick_pulled_at_any_byte_says_gone_and_takes_the_file_when_put_in_again(
    slot: Slot, byte: int
) -> None:
    with pytest.raises(StickGoneError) as caught:
        slot.put(Faults(yank_at_byte=byte))
    assert caught.value.code == "E-STICK-GONE"
    assert [type(event) for event in slot.events] == [StickInserted, StickRemoved]
    again = slot.sticks.insert(slot.image)
    with FatVolume(slot.sticks.open_medium(again)) as volume:
        volume.clean_parts()
        if not volume.holds(NAME, size_bytes=len(DATA), sha256=hashlib.sha256(DATA).hexdigest()):
            volume.put_small(NAME, DATA)
        assert volume.get(NAME, len(DATA)) == DATA
        assert [item.name for item in volume.list()] == [NAME]


def test_a_stick_that_is_yanked_late_keeps_what_was_written_before(slot: Slot) -> None:
    stick = slot.put(Faults(yank_at_byte=10_000_000))
    with FatVolume(slot.sticks.open_medium(stick)) as volume:
        assert volume.get(NAME, len(DATA)) == DATA
    assert files_on(slot.image) == {NAME: len(DATA)}


def test_a_pull_is_told_once(tmp_path: Path) -> None:
    pulled: list[int] = []
    socket = Socket(Faults(yank_at_byte=0), lambda: pulled.append(1))
    socket.pull_itself()
    socket.pull_itself()
    assert pulled == [1]
    medium = FlashMedium(make_stick(tmp_path / "a.img"), socket)
    with pytest.raises(StickGoneError):
        medium.check()
    medium.close()


def test_a_failing_medium_can_be_reopened_and_closed_twice(slot: Slot) -> None:
    stick = slot.sticks.insert(slot.image, Faults(yank_at_byte=10_000_000))
    medium = slot.sticks.open_medium(stick)
    os.pwrite(medium.fileno(), b"x" * 5000, medium.size_bytes - 5000)
    told: list[int] = []
    medium.flush(told.append)
    assert told == [8192]
    medium.reopen()
    assert b"".join(medium.read_past_cache(medium.size_bytes - 5000, 5000) or ()) == b"x" * 5000
    medium.close()
    medium.close()
    assert medium.fileno() < 0


def test_nothing_is_left_open_when_the_copy_cannot_be_made(
    slot: Slot, monkeypatch: pytest.MonkeyPatch
) -> None:
    stick = slot.sticks.insert(slot.image, Faults(dying=True))
    with monkeypatch.context() as patched:
        patched.setattr(tempfile, "tempdir", str(slot.image))
        with pytest.raises(OSError, match="directory"):
            slot.sticks.open_medium(stick)
    slot.sticks.open_medium(stick).close()
