"""The worker's side of a rescue: a stick pulled at any moment, a stop, a full disk, hostile sticks."""

import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from core.api.results import BackupOpened, BackupRestored
from core.errors import RescueSpaceError, StoppedError
from core.progress import Progress
from core.store.store import is_provisioned
from hw.board import Board
from hw.errors import StickFormatError, StickGoneError
from kiosk.emulator.box import Folders
from kiosk.work.rescue import BackupFound, LookForBackup, ReadBackup, Rescue, Restore, TakeIdentity
from kiosk.work.session import Session, VaultRefusalError, start_vault
from tests.kiosk.live import OTHER_PASSPHRASE, open_twins
from tests.kiosk.rescues import NOW, Lost, fill_stick, lay_empty_box, lose_box, rescue_files

Report = Callable[[Progress, int], None]


@pytest.fixture(scope="module")
def lost() -> Lost:
    return lose_box()


@pytest.fixture
def folders(tmp_path: Path, lost: Lost) -> Folders:
    return lay_empty_box(tmp_path, lost)


@pytest.fixture
def board(folders: Folders) -> Board:
    board = open_twins(folders.state.parent, instant=NOW + timedelta(days=1))
    board.sticks.start(lambda _event: None)
    return board


@pytest.fixture
def session(folders: Folders) -> Iterator[Session]:
    session = start_vault(folders.state, folders.config)
    yield session
    session.close()


class Bench:
    """A rescue on twins, and the stick that is in."""

    def __init__(self, board: Board, session: Session, folders: Folders, files: dict[str, bytes]) -> None:
        assert board.twins is not None
        self.twins, self.board, self.session, self.spool = board.twins, board, session, folders.spool
        self.image = fill_stick(folders.sticks / "PISM-RESCUE.img", files)
        self.stick = self.twins.sticks.insert(self.image)
        self.stopping = threading.Event()

    def rescue(self, report: Report = lambda *_: None, **given: Any) -> Rescue:
        return Rescue(
            self.session,
            self.board.clock,
            open_volume=self.board.open_volume,
            spool=self.spool,
            stopping=self.stopping,
            report=report,
            **given,
        )

    def run(self, rescue: Rescue) -> BackupOpened:
        """Do all but the restore."""
        found = rescue.perform(LookForBackup(stick=self.stick))
        assert isinstance(found, BackupFound)
        rescue.perform(TakeIdentity(stick=self.stick, name=found.identities[0]))
        read = rescue.perform(ReadBackup(stick=self.stick))
        assert isinstance(read, BackupOpened)
        return read


@pytest.fixture
def bench(board: Board, session: Session, folders: Folders, lost: Lost) -> Bench:
    return Bench(board, session, folders, rescue_files(lost))


def test_a_rescue_tells_its_three_steps(bench: Bench, folders: Folders) -> None:
    told: list[tuple[int, str]] = []
    rescue = bench.rescue(lambda progress, step: told.append((step, progress.what.split(" ")[0])))
    assert bench.run(rescue).name == "main-backup"
    assert not is_provisioned(folders.state)
    restored = rescue.perform(Restore(passphrase=OTHER_PASSPHRASE))
    assert isinstance(restored, BackupRestored)
    assert restored.clock_believed
    assert is_provisioned(folders.state)
    assert list(dict.fromkeys(told)) == [(1, "reading"), (2, "unpacking"), (2, "key"), (3, "certificate")]
    assert list(bench.spool.iterdir()) == []


@pytest.mark.parametrize("saved", ["_key.txt", "Holder's key", "next.key"])
def test_a_key_may_be_called_whatever_people_call_it(
    board: Board, session: Session, folders: Folders, lost: Lost, saved: str
) -> None:
    marked = b"\xef\xbb\xbf" + lost.key.replace(b"\n", b"\r\n")  # an editor of Windows has saved it again
    litter = {"Thumbs.db": b"litter", "._key.txt": marked}
    bench = Bench(board, session, folders, {lost.name: lost.backup, saved: marked, **litter})
    rescue = bench.rescue()
    found = rescue.perform(LookForBackup(stick=bench.stick))
    assert found == BackupFound((saved,))
    assert bench.run(rescue).name == "main-backup"


def test_a_stick_pulled_before_it_was_read_is_told_and_it_serves_again(
    bench: Bench, folders: Folders
) -> None:
    rescue = bench.rescue()
    found = rescue.perform(LookForBackup(stick=bench.stick))
    assert isinstance(found, BackupFound)
    rescue.perform(TakeIdentity(stick=bench.stick, name=found.identities[0]))
    bench.twins.sticks.pull()
    with pytest.raises(StickGoneError):
        rescue.perform(ReadBackup(stick=bench.stick))
    assert list(bench.spool.iterdir()) == []
    assert not is_provisioned(folders.state)
    bench.stick = bench.twins.sticks.insert(bench.image)
    assert bench.run(bench.rescue()).name


def test_a_stick_may_be_pulled_as_soon_as_it_was_read(bench: Bench) -> None:
    def pull(_progress: Progress, step: int) -> None:
        if step == 2:
            bench.twins.sticks.pull()

    assert bench.run(bench.rescue(pull)).name


@pytest.mark.parametrize(
    "ask", [LookForBackup, ReadBackup, lambda stick: TakeIdentity(stick=stick, name="a")]
)
def test_a_stick_that_is_out_is_told_at_every_step(bench: Bench, ask: Any) -> None:
    bench.twins.sticks.pull()
    with pytest.raises(StickGoneError):
        bench.rescue().perform(ask(stick=bench.stick))


def test_a_stop_ends_the_copy_and_leaves_nothing(bench: Bench, folders: Folders) -> None:
    bench.stopping.set()
    with pytest.raises(StoppedError):
        bench.run(bench.rescue())
    assert list(bench.spool.iterdir()) == []
    assert not is_provisioned(folders.state)


def test_a_stop_while_the_vault_checks_ends_that(bench: Bench) -> None:
    def stop(_progress: Progress, step: int) -> None:
        if step == 2:
            bench.stopping.set()

    with pytest.raises(VaultRefusalError) as raised:
        bench.run(bench.rescue(stop))
    assert raised.value.failed.code == "E-STOPPED"


def test_an_archive_that_the_disk_has_no_room_for_is_refused_before_it_is_read(bench: Bench) -> None:
    with pytest.raises(RescueSpaceError, match="are free"):
        bench.run(bench.rescue(lambda *_: pytest.fail("nothing is read"), room=lambda _folder: 1000))


def test_a_disk_that_fills_up_meanwhile_is_told(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    full = Path("/dev/full").open("r+b", buffering=0)  # noqa: SIM115  the rescue closes it
    monkeypatch.setattr("tempfile.TemporaryFile", lambda **_: full)
    with pytest.raises(RescueSpaceError, match="No space left"):
        bench.run(bench.rescue())


def test_a_stick_that_is_not_fat32_is_refused(
    board: Board, session: Session, folders: Folders, lost: Lost
) -> None:
    bench = Bench(board, session, folders, rescue_files(lost))
    bench.twins.sticks.pull()
    bench.image.write_bytes(bytes(1 << 20))
    bench.stick = bench.twins.sticks.insert(bench.image)
    with pytest.raises(StickFormatError):
        bench.rescue().perform(LookForBackup(stick=bench.stick))


def test_names_and_folders_that_are_none_of_ours_are_passed_over(
    board: Board, session: Session, folders: Folders, lost: Lost
) -> None:
    others = {
        f"._{lost.name}": b"what a PC leaves",
        "pism-receipt-main-kudo-000001.json": lost.key,  # by its name it is a receipt
        "public/main-backup-000001-20270101T000000Z.tar.age": lost.backup,  # not at the top
        "photo.jpg": bytes(70_000),
    }
    bench = Bench(board, session, folders, rescue_files(lost) | others)
    found = bench.rescue().perform(LookForBackup(stick=bench.stick))
    assert found == BackupFound(("backup-a.txt",))
