"""core.store.store: how a store is made and opened, and what is refused."""

import os
import resource
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from core.errors import (
    FileError,
    StateDamagedError,
    StateExistsError,
    StateLockedError,
    StateMissingError,
    StateModeError,
)
from core.store import journal
from core.store.folder import DATABASE, KEYSLOTS
from core.store.store import Store, create_store, is_provisioned, open_store
from tests.core.opened import (
    COST,
    NOW,
    PASSPHRASE,
    found,
    open_with,
)

OTHER = b"another passphrase"


def _names(folder: Path) -> list[str]:
    return sorted(each.name for each in folder.iterdir())


class TestMaking:
    def test_makes_a_folder_for_its_owner_only(self, tmp_path: Path) -> None:
        state = tmp_path / "state"
        former = os.umask(0)
        try:
            found(state)
        finally:
            os.umask(former)
        assert _names(state) == ["lock", "store"]
        modes = {each.name: stat.S_IMODE(each.stat().st_mode) for each in (state, *state.rglob("*"))}
        assert modes == {"state": 0o700, "store": 0o700, "lock": 0o600, KEYSLOTS: 0o600, DATABASE: 0o600}
        assert is_provisioned(state)

    def test_uses_an_empty_folder_and_clears_what_a_dead_maker_left(self, tmp_path: Path) -> None:
        (tmp_path / "state" / "store.new-1234").mkdir(parents=True)
        (tmp_path / "state").chmod(0o700)
        (tmp_path / "state" / "store.new-1234" / "x").write_bytes(b"x")
        (tmp_path / "state" / "attempts.json.1234.part").write_bytes(b"x")
        (tmp_path / "state" / "store.new-link").symlink_to(tmp_path)
        (tmp_path / "state" / "store.new-file").write_bytes(b"x")
        found(tmp_path / "state")
        assert _names(tmp_path / "state") == ["lock", "store"]

    def test_never_overwrites(self, state: Path, laid: tuple[Path, bytes]) -> None:
        before = (state / "store" / DATABASE).read_bytes()
        with pytest.raises(StateExistsError):
            found(state)
        assert (state / "store" / DATABASE).read_bytes() == before

    def test_refuses_a_folder_that_holds_something_else(self, tmp_path: Path) -> None:
        (tmp_path / "state").mkdir(mode=0o700)
        (tmp_path / "state" / "letter").write_bytes(b"x")
        with pytest.raises(StateExistsError, match="letter"):
            found(tmp_path / "state")
        assert _names(tmp_path / "state") == ["letter"]

    @pytest.mark.parametrize("error", [KeyError("bug"), FileError("no space"), KeyboardInterrupt()])
    def test_leaves_nothing_behind_when_it_fails(self, tmp_path: Path, error: BaseException) -> None:
        def fail() -> None:
            with create_store(tmp_path / "state", PASSPHRASE, COST):
                raise error

        with pytest.raises(type(error)):
            fail()
        assert _names(tmp_path) == []

    def test_leaves_a_folder_that_was_there(self, tmp_path: Path) -> None:
        (tmp_path / "state").mkdir(mode=0o700)
        with (
            pytest.raises(RuntimeError, match="begins with a journal entry"),
            _make_empty(tmp_path / "state"),
        ):
            pass
        assert _names(tmp_path / "state") == ["lock"]

    def test_needs_a_parent(self, tmp_path: Path) -> None:
        with pytest.raises(FileError):
            found(tmp_path / "no" / "state")

    def test_a_store_that_appears_meanwhile_is_not_overwritten(self, tmp_path: Path) -> None:
        state = tmp_path / "state"

        def make() -> None:
            with create_store(state, PASSPHRASE, COST) as store, store.transaction():
                journal.append(store, "init", {}, NOW)
                (state / "store").mkdir()
                (state / "store" / "other").write_bytes(b"x")

        with pytest.raises(FileError, match="into place"):
            make()
        assert _names(state / "store") == ["other"]

    def test_of_two_makers_one_wins(self, tmp_path: Path) -> None:
        with pytest.raises(StateLockedError), _make_empty(tmp_path / "state"):
            found(tmp_path / "state")


def _make_empty(state: Path):  # type: ignore[no-untyped-def]  # noqa: ANN202 (a context manager of Store)
    return create_store(state, PASSPHRASE, COST)


class TestFolder:
    def test_no_descriptor_left_is_said(self, state: Path) -> None:
        limits = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (0, limits[1]))
        try:
            with pytest.raises(FileError, match="Too many open files"):
                open_store(state, PASSPHRASE)
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, limits)

    def test_what_cannot_be_swept_is_said(self, state: Path) -> None:
        (state / "store" / "store.db.new").mkdir()
        with pytest.raises(FileError, match="cannot clean"):
            open_store(state, PASSPHRASE)
        (state / "store" / "store.db.new").rmdir()
        open_store(state, PASSPHRASE).close()

    def test_a_missing_state_is_said(self, tmp_path: Path) -> None:
        (tmp_path / "empty").mkdir(mode=0o700)
        for name in ("empty", "missing"):
            assert not is_provisioned(tmp_path / name)
            with pytest.raises(StateMissingError):
                open_store(tmp_path / name, PASSPHRASE)

    def test_two_processes_cannot_open_one_state(self, store: Store, state: Path) -> None:
        program = "import sys, pathlib, core.store.store as s; s.open_store(pathlib.Path(sys.argv[1]), b'x')"
        done = subprocess.run(
            [sys.executable, "-c", program, str(state)],
            check=False,
            capture_output=True,
            text=True,
            cwd=Path(__file__).parents[3],
        )
        assert "StateLockedError" in done.stderr

    def test_closing_twice_is_harmless(self, state: Path, laid: tuple[Path, bytes]) -> None:
        store = open_with(state, laid[1])
        store.close()
        store.close()
        open_with(state, laid[1]).close()

    @pytest.mark.parametrize("mode", [0o701, 0o710, 0o750, 0o777, 0o500, 0o600])
    @pytest.mark.parametrize("name", [".", "store"])
    def test_open_modes_are_refused(self, state: Path, name: str, mode: int) -> None:
        (state / name).chmod(mode)
        with pytest.raises(StateModeError):
            open_store(state, PASSPHRASE)
        (state / name).chmod(0o700)

    @pytest.mark.parametrize("name", ["lock", "store/store.db", "store/keyslots.json"])
    def test_open_files_are_refused(self, state: Path, name: str) -> None:
        (state / name).chmod(0o640)
        with pytest.raises(StateModeError):
            open_store(state, PASSPHRASE)

    @pytest.mark.parametrize("name", [".", "store", "lock", "store/store.db", "store/keyslots.json"])
    def test_links_are_refused(self, state: Path, name: str) -> None:
        path = state / name if name != "." else state
        path.rename(state.parent / "elsewhere")
        path.symlink_to(state.parent / "elsewhere")
        with pytest.raises(StateModeError):
            open_store(state, PASSPHRASE)

    @pytest.mark.parametrize("name", ["lock", "store/store.db", "store/keyslots.json"])
    def test_folders_in_place_of_files_are_refused(self, state: Path, name: str) -> None:
        (state / name).unlink()
        (state / name).mkdir(mode=0o700)
        with pytest.raises(StateModeError):
            open_store(state, PASSPHRASE)

    @pytest.mark.parametrize("name", [".", "store", "store/store.db"])
    def test_another_owner_is_refused(self, state: Path, name: str) -> None:
        if os.geteuid() == 0:  # only root can give a file away; others meet one that is root's
            os.chown(state / name, 12345, -1)
        else:
            state = Path("/")
        with pytest.raises(StateModeError, match="belongs to user"):
            open_store(state, PASSPHRASE)

    def test_a_file_in_place_of_a_folder_is_refused(self, tmp_path: Path) -> None:
        (tmp_path / "state").write_bytes(b"")
        with pytest.raises(StateModeError):
            open_store(tmp_path / "state", PASSPHRASE)
        with pytest.raises(StateModeError):
            open_store(tmp_path / "state" / "below", PASSPHRASE)

    @pytest.mark.parametrize("name", [DATABASE, KEYSLOTS])
    def test_a_missing_file_is_damage_and_never_new(self, state: Path, name: str) -> None:
        (state / "store" / name).unlink()
        with pytest.raises(StateDamagedError):
            open_store(state, PASSPHRASE)
        assert not (state / "store" / name).exists()

    def test_keyslots_too_large_are_damage(self, state: Path) -> None:
        (state / "store" / KEYSLOTS).write_bytes(b" " * 9000)
        with pytest.raises(StateDamagedError):
            open_store(state, PASSPHRASE)
