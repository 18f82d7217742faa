"""The card: its table, its map, the state on it, and how that grows. sfdisk and e2fsck judge."""

import json
import os
import re
import subprocess
from hashlib import sha256
from pathlib import Path

import pytest

from systemd.image import card_state
from systemd.image.card import STATE_MIB, make_card, partitions

EPOCH = 1_790_000_000
MIB = 1 << 20


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A card with something for a boot partition and a root, and its map."""
    work = tmp_path_factory.mktemp("card")
    return build(work)


def build(work: Path) -> tuple[Path, str]:
    work.mkdir(exist_ok=True)
    for name, size in (("boot", 40 * MIB), ("root", 3 * MIB + 4096), ("bootcode.bin", 5000)):
        (work / name).write_bytes(sha256(name.encode()).digest() * (size // 32) + b"x" * (size % 32))
    return make_card(work / "boot", work / "root", work / "bootcode.bin", work, epoch=EPOCH)


def table_of(card: Path) -> dict[int, tuple[int, int]]:
    told = json.loads(subprocess.run(["sfdisk", "-J", card], check=True, capture_output=True).stdout)
    parts = told["partitiontable"]["partitions"]
    return {int(part["node"].removeprefix(str(card))): (part["start"], part["size"]) for part in parts}


def test_the_table_is_what_the_box_and_the_firmware_look_for(built: tuple[Path, str]) -> None:
    wanted = {each.number: (each.start_mib * 2048, each.size_mib * 2048) for each in partitions()}
    assert table_of(built[0]) == wanted


def test_the_same_is_built_again(built: tuple[Path, str], tmp_path: Path) -> None:
    again, its_map = build(tmp_path / "other folder")
    assert its_map == built[1]
    assert sha256(again.read_bytes()).digest() == sha256(built[0].read_bytes()).digest()


def test_what_the_map_names_makes_the_card_on_whatever_was_there_before(built: tuple[Path, str]) -> None:
    """As bmaptool does it: each stretch compared with its hash; the rest stays as it was."""
    card, text = built
    whole = card.read_bytes()
    ranges = re.findall(r'<Range chksum="([0-9a-f]{64})"> (\d+)-(\d+) </Range>', text)
    written = bytearray(b"\xa5" * len(whole))
    for digest, first, last in ranges:
        piece = slice(int(first) * 4096, (int(last) + 1) * 4096)
        assert sha256(whole[piece]).hexdigest() == digest
        written[piece] = whole[piece]
    (total,) = re.findall(r"<MappedBlocksCount> (\d+) <", text)
    assert int(total) == sum(int(last) - int(first) + 1 for _, first, last in ranges)
    for number, (start, size) in table_of(card).items():
        if number in (1, 2, 7):  # each volume whole, its zeros too
            assert written[start * 512 : (start + size) * 512] == whole[start * 512 : (start + size) * 512]
    root = table_of(card)[5][0] * 512
    assert written[root : root + 3 * MIB + 4096] == whole[root : root + 3 * MIB + 4096]


def test_a_map_says_its_own_hash(built: tuple[Path, str]) -> None:
    (said,) = re.findall(r"<BmapFileChecksum> ([0-9a-f]{64}) <", built[1])
    assert sha256(built[1].replace(said, "0" * 64).encode()).hexdigest() == said


def test_the_state_is_an_ext4_that_e2fsck_finds_sound(built: tuple[Path, str], tmp_path: Path) -> None:
    state = built[0].parent / "state.img"
    assert state.stat().st_size == STATE_MIB * MIB
    card_state.check(state)
    told = subprocess.run(["e2fsck", "-fn", state], check=True, capture_output=True, text=True).stdout
    assert "PISM-STATE: 11/" in told


@pytest.mark.parametrize("larger", [16 * MIB, 777 * MIB + 5 * 512, 3 << 30])
def test_the_last_partition_grows_to_the_card_once_and_no_other_moves(
    built: tuple[Path, str], tmp_path: Path, larger: int
) -> None:
    card = tmp_path / "card.img"
    subprocess.run(["cp", "--sparse=always", built[0], card], check=True)
    size = card.stat().st_size + larger
    os.truncate(card, size)
    before = table_of(card)
    assert card_state.grow_table(card, 7)
    after = table_of(card)
    assert {number: after[number] for number in (1, 2, 3, 5, 6)} == {
        number: before[number] for number in (1, 2, 3, 5, 6)
    }
    for number in (4, 7):
        assert after[number][0] == before[number][0]
        assert sum(after[number]) * 512 == size // MIB * MIB
    assert not card_state.grow_table(card, 7)


def test_for_little_nothing_is_grown(built: tuple[Path, str], tmp_path: Path) -> None:
    card = tmp_path / "card.img"
    subprocess.run(["cp", "--sparse=always", built[0], card], check=True)
    os.truncate(card, card.stat().st_size + 15 * MIB)
    before = card.read_bytes()
    assert not card_state.grow_table(card, 7)
    assert card.read_bytes() == before


def test_a_table_that_was_grown_half_is_grown_whole_the_next_time(
    built: tuple[Path, str], tmp_path: Path
) -> None:
    """A power cut between the two writes: the partition around is larger, the last one not yet."""
    card = tmp_path / "card.img"
    subprocess.run(["cp", "--sparse=always", built[0], card], check=True)
    os.truncate(card, card.stat().st_size + 100 * MIB)
    start, _ = table_of(card)[4]
    command = ["sfdisk", "-q", "--no-reread", "--no-tell-kernel", "--force", "-N", "4", card]
    subprocess.run(command, input=f"{start},{card.stat().st_size // 512 - start}\n".encode(), check=True)
    assert card_state.grow_table(card, 7)
    assert sum(table_of(card)[7]) * 512 == card.stat().st_size


def test_a_state_that_is_something_else_or_nothing_is_refused(tmp_path: Path) -> None:
    for data in (b"", bytes(MIB), b"\x55" * MIB):
        (tmp_path / "part").write_bytes(data)
        with pytest.raises(card_state.RefusedError) as refused:
            card_state.check(tmp_path / "part")
        assert refused.value.code == "E-CARD-STATE"


def test_a_state_that_cannot_be_mended_without_a_question_is_refused(
    built: tuple[Path, str], tmp_path: Path
) -> None:
    data = bytearray((built[0].parent / "state.img").read_bytes())
    data[4096 : 4096 * 200] = b"\xff" * (4096 * 199)  # group descriptors, bitmaps, inodes
    (tmp_path / "part").write_bytes(data)
    with pytest.raises(card_state.RefusedError) as refused:
        card_state.check(tmp_path / "part")
    assert refused.value.code == "E-CARD-DAMAGED"


def test_a_card_is_its_first_boxs(tmp_path: Path) -> None:
    mark = tmp_path / "box"
    card_state.belong(mark, "10000000aaaa0001")
    card_state.belong(mark, "10000000aaaa0001")
    card_state.belong(mark, "")  # a board that tells no number
    with pytest.raises(card_state.RefusedError) as refused:
        card_state.belong(mark, "10000000aaaa0002")
    assert refused.value.code == "E-CARD-OTHER"
    assert "10000000aaaa0001" in str(refused.value)


def test_what_is_refused_is_left_where_the_kiosk_looks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from hw.errors import CardDamagedError
    from hw.system.card import require_state

    monkeypatch.setattr(card_state, "TOLD", tmp_path / "run/pism-card")
    (tmp_path / "run/pism-card").mkdir(parents=True)
    (tmp_path / "usr/lib/pism").mkdir(parents=True)
    (tmp_path / "usr/lib/pism/card-state").touch()
    card_state.refuse("E-CARD-DAMAGED", "e2fsck: it asks")
    with pytest.raises(CardDamagedError, match="it asks"):
        require_state(tmp_path)
