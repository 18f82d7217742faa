"""Check 12: what stands in the folder, and when."""

import os
import resource
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from core.errors import CaError
from core.receive.opening import open_archive
from tests.archives import NOW, Box
from tests.authorities import snapshot
from tests.receiver import Receiver, tree


def test_an_open_or_foreign_folder_is_refused(receiver: Receiver, box: Box) -> None:
    receiver.out.mkdir(mode=0o777)
    receiver.out.chmod(0o777)
    with pytest.raises(CaError, match="nobody else") as caught:
        receiver.open(box.make())
    assert caught.value.code == "E-FILE"
    receiver.out.rmdir()
    receiver.out.write_bytes(b"a file")
    with pytest.raises(CaError) as caught:
        receiver.open(box.make())
    assert caught.value.code == "E-FILE"


def test_a_folder_that_cannot_be_made_is_refused(receiver: Receiver, box: Box) -> None:
    with pytest.raises(CaError) as caught:
        receiver.open(box.make(), out=receiver.folder / "missing" / "out")
    assert caught.value.code == "E-FILE"


def test_two_processes_do_not_open_into_one_folder(receiver: Receiver, box: Box) -> None:
    receiver.out.mkdir(mode=0o700)

    def second(_: object) -> bool:
        with pytest.raises(CaError, match="Another process") as caught:
            open_archive(receiver.file, [box.identity], (), receiver.out, None, NOW)
        assert caught.value.code == "E-FILE"
        return True

    receiver.open(box.make(), confirm=second)


def test_two_processes_that_make_the_folder_do_not_mix(receiver: Receiver, box: Box) -> None:
    def second(_: object) -> bool:
        open_archive(receiver.file, [box.identity], (), receiver.out, lambda _: True, NOW)
        return True

    with pytest.raises(CaError, match="try again") as caught:
        receiver.open(box.make(), confirm=second)
    assert caught.value.code == "E-ARCHIVE-TRUST"
    assert receiver.refused_open(box.make(), confirm=None) == "E-ARCHIVE-FORK"


def test_the_same_archive_again_makes_a_removed_tree_good_and_refuses_an_altered_one(
    receiver: Receiver, box: Box
) -> None:
    data = box.make()
    folder = receiver.open(data).folder
    assert folder is not None
    before = snapshot(receiver.out)
    shutil.rmtree(folder)
    assert receiver.open(data).was_open
    assert snapshot(receiver.out) == before
    (folder / "manifest.json").write_bytes(b"{}")
    assert receiver.refused_open(data) == "E-FILE"


def test_what_stands_in_the_way_is_left_alone(receiver: Receiver, box: Box) -> None:
    name = "main-kudo-000001-20270201T120000Z"
    for make in (
        lambda path: path.write_text("mine"),
        lambda path: path.mkdir(),
        lambda path: path.symlink_to("/nowhere"),
    ):
        receiver.out.mkdir(mode=0o700, exist_ok=True)
        make(receiver.out / name)
        with pytest.raises(CaError, match="move it away") as caught:
            receiver.open(box.make())
        assert caught.value.code == "E-FILE"
        (receiver.out / name).rmdir() if make.__code__.co_names == ("mkdir",) else (
            receiver.out / name
        ).unlink()


def test_a_folder_that_a_killed_process_finished_is_taken_over(receiver: Receiver, box: Box) -> None:
    data = box.make()
    folder = receiver.open(data).folder
    assert folder is not None
    (receiver.out / "receiver.json").unlink()
    inode = folder.stat().st_ino
    assert receiver.open(data).folder == folder
    assert folder.stat().st_ino == inode


@pytest.mark.parametrize("change", ["bytes", "size", "link", "missing", "more"])
def test_a_folder_that_differs_is_not_taken_over(receiver: Receiver, box: Box, change: str) -> None:
    data = box.make()
    folder = receiver.open(data).folder
    assert folder is not None
    (receiver.out / "receiver.json").unlink()
    file = folder / "journal.jsonl"
    content = file.read_bytes()
    if change == "bytes":
        file.write_bytes(content[::-1])
    elif change == "size":
        file.write_bytes(content + b" ")
    elif change == "more":
        (folder / "more").write_bytes(b"")
    else:
        file.unlink()
    if change == "link":
        file.symlink_to("manifest.json")
    assert "move it away" in refused(receiver, data)


def refused(receiver: Receiver, data: bytes) -> str:
    with pytest.raises(CaError) as caught:
        receiver.open(data)
    return str(caught.value)


def test_leftovers_of_killed_processes_are_swept_and_nothing_else(receiver: Receiver, box: Box) -> None:
    receiver.open(box.make())
    ours = [
        receiver.out / ".main-kudo-000002-20270201T120000Z.0011aabb.part",
        receiver.out / "receiver.json.0011aabb.part",
        receiver.out / "current" / ".main-kudo.0011aabb.part",
    ]
    ours[0].mkdir()
    (ours[0] / "x").write_bytes(b"")
    ours[1].write_bytes(b"")
    ours[2].symlink_to("nowhere")
    theirs = receiver.out / "notes.part"
    theirs.write_bytes(b"")
    (receiver.out / "current" / "notes").write_bytes(b"")
    receiver.open(box.make(sequence=3))
    assert not any(os.path.lexists(path) for path in ours)
    assert theirs.exists()


def test_a_link_that_a_killed_process_did_not_move_is_put_right(receiver: Receiver, box: Box) -> None:
    old, data = box.make(), box.make(sequence=2)
    receiver.open(data)
    link = receiver.out / "current" / "main-kudo"
    goal = "../main-kudo-000002-20270201T120000Z"
    link.unlink()
    with pytest.raises(CaError):
        receiver.open(old)
    assert str(link.readlink()) == goal
    link.unlink()
    receiver.open(data)
    assert str(link.readlink()) == goal


def test_a_full_disk_leaves_the_folder_as_it_was(receiver: Receiver, box: Box) -> None:
    receiver.open(box.make())
    box.incarnation = "6a1b2c3d-0000-4000-8000-000000000000"  # so that it asks once all is unpacked
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)

    def fill_the_disk(_: object) -> bool:
        resource.setrlimit(resource.RLIMIT_FSIZE, (1000, hard))
        return True

    try:
        code = receiver.refused_open(box.make(sequence=2), confirm=fill_the_disk)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert code == "E-FILE"


KILLER = """
import os, signal, sys
from pathlib import Path
from core.crypto.identities import load_identities
from core.receive.opening import open_archive
from tests.archives import NOW
archive, out = Path(sys.argv[1]), Path(sys.argv[2])
identity = load_identities(sys.stdin.buffer.read())
WRITES = {"os.mkdir", "os.rename", "os.symlink", "os.remove", "os.rmdir", "os.link", "open"}
point = 0
while True:
    point += 1
    child = os.fork()
    if child == 0:
        left = point
        def hook(event, args):
            global left
            if event in WRITES and str(out) in str(args[0] if event != "os.symlink" else args[1]):
                left -= 1
                if left == 0:
                    os.kill(os.getpid(), signal.SIGKILL)
        sys.addaudithook(hook)
        folder = out / str(point)
        folder.mkdir(mode=0o700)
        open_archive(archive, identity, (), folder / "out", lambda _: True, NOW)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    if status == 0:
        break
    assert os.WTERMSIG(status) == signal.SIGKILL
print(point - 1)
"""


def test_a_kill_at_any_write_leaves_before_or_after(receiver: Receiver, box: Box, tmp_path: Path) -> None:
    data = box.make()
    receiver.file.write_bytes(data)
    out = tmp_path / "killed"
    out.mkdir(mode=0o700)
    command = [sys.executable, "-c", KILLER, receiver.file, out]
    done = subprocess.run(
        command,
        input=str(box.identity).encode(),
        capture_output=True,
        check=True,
        cwd=Path(__file__).parents[3],
    )
    points = int(done.stdout)
    assert points > 30
    outcomes = set()
    for point in range(1, points + 1):
        receiver.out = out / str(point) / "out"
        if not receiver.out.parent.exists():
            continue  # killed before anything
        # Before, it opens as if nothing had been; after, it is open already.
        outcomes.add("after" if receiver.open(data).was_open else "before")
        folder = (receiver.out / "current" / "main-kudo").resolve()
        assert len(tree(folder)) == 10
        assert sorted(path.name for path in receiver.out.iterdir()) == [
            "current",
            "main-kudo-000001-20270201T120000Z",
            "receiver.json",
        ]
    assert outcomes == {"before", "after"}
