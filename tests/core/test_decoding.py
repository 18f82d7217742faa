"""Whatever bytes are brought, each format refuses them in its own words."""

import hashlib
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from core.archive.backup_state import decode_state
from core.archive.manifest import decode_manifest
from core.decoding import DecodingError, json_decoder, msgpack_decoder
from core.errors import ArchiveFormatError, ArchiveTrustError, JournalError, PolicyError, StateDamagedError
from core.export.receipt import verify_receipt
from core.policy.policy import decode_policy
from core.receive.trust import RECEIVER_FILE, load_trust
from core.store.attempts import ATTEMPTS, read_attempts
from core.store.journal import decode_body, verify_lines
from core.store.keyslots import count_slots
from kiosk.work.kept_sticks import NAME, KeptSticksError, read_sticks

ROOT = Path(__file__).parents[2]
DEEP = 20_000
ENDS = {"arrays": (b"[", b"]"), "objects": (b'{"a":', b"}"), "both": (b'[{"a":', b"}]")}
KEYS = ("", "a", "format", "receipt", "seals", "facts", "roots", "slots", "times", "sticks", "detail")


def nested(kind: str, depth: int) -> bytes:
    """Return JSON that is that many levels deep."""
    begin, end = ENDS[kind]
    return begin * depth + b"1" + end * depth


def under(key: str, inner: bytes) -> bytes:
    """Return an object with one key, or the bare value for ""."""
    return b'{"%b":%b}' % (key.encode(), inner) if key else inner


def refuse_manifest(data: bytes, _: Path) -> None:
    with pytest.raises(ArchiveFormatError):
        decode_manifest(data)


def refuse_state(data: bytes, _: Path) -> None:
    with pytest.raises(ArchiveFormatError):
        decode_state(data)


def refuse_receipt(data: bytes, _: Path) -> None:
    with pytest.raises(ArchiveFormatError):
        verify_receipt(data, {})


def refuse_policy(data: bytes, _: Path) -> None:
    with pytest.raises(PolicyError):
        decode_policy(data)


def refuse_line(data: bytes, _: Path) -> None:
    with pytest.raises(JournalError):
        verify_lines([data])


def refuse_body(data: bytes, _: Path) -> None:
    with pytest.raises(JournalError):
        decode_body(data, hashlib.sha256(data).digest())


def refuse_receiver(data: bytes, folder: Path) -> None:
    (folder / RECEIVER_FILE).write_bytes(data)
    with pytest.raises(ArchiveTrustError):
        load_trust(folder)


def refuse_keyslots(data: bytes, _: Path) -> None:
    with pytest.raises(StateDamagedError):
        count_slots(data)


def refuse_attempts(data: bytes, folder: Path) -> None:
    (folder / ATTEMPTS).write_bytes(data)
    assert read_attempts(folder).damaged


def refuse_sticks(data: bytes, folder: Path) -> None:
    (folder / NAME).write_bytes(data)
    with pytest.raises(KeptSticksError):
        read_sticks(folder)


FORMATS = [
    refuse_manifest,
    refuse_state,
    refuse_receipt,
    refuse_policy,
    refuse_line,
    refuse_body,
    refuse_receiver,
    refuse_keyslots,
    refuse_attempts,
    refuse_sticks,
]


@pytest.mark.parametrize("depth", [1000, DEEP])
@pytest.mark.parametrize("kind", ENDS)
@pytest.mark.parametrize("refuse", FORMATS)
def test_json_however_deep_ends_in_its_formats_refusal(
    refuse: Callable[[bytes, Path], None], kind: str, depth: int, tmp_path: Path
) -> None:
    for key in KEYS:
        refuse(under(key, nested(kind, depth)), tmp_path)


def test_a_detail_of_the_journal_is_no_deeper_than_its_type(tmp_path: Path) -> None:
    entry = (
        b'{"act":"unlock","detail":%b,"previous":"%b","sequence":1,"state":"%b",'
        b'"time":"2027-01-01T00:00:00Z"}'
    )
    taken = entry % (b'{"a":[[1,null],{"b":true}]}', b"0" * 64, b"0" * 64)
    assert decode_body(taken, hashlib.sha256(taken).digest()).act == "unlock"
    for detail in (b'{"a":[[[1]]]}', b'{"a":{"b":{"c":[]}}}', b'{"a":[{"b":[1]}]}', b'{"a":1.5}'):
        refuse_body(entry % (detail, b"0" * 64, b"0" * 64), tmp_path)


@pytest.mark.parametrize("data", [b'"\xff"', b'{"\xff":1}', b'{"a":"\xff"}'])
@pytest.mark.parametrize("refuse", FORMATS)
def test_text_that_is_no_utf8_ends_in_its_formats_refusal(
    refuse: Callable[[bytes, Path], None], data: bytes, tmp_path: Path
) -> None:
    refuse(data, tmp_path)


def test_what_is_refused_is_told_in_short_and_has_no_cause() -> None:
    with pytest.raises(DecodingError) as refused:
        json_decoder(dict[int, str], 1 << 20)(b'{"%b":"x"}' % (b"a" * 100_000))
    assert len(str(refused.value)) < 300
    assert refused.value.__cause__ is None
    assert refused.value.__context__ is None


def test_the_bound_comes_before_the_bytes() -> None:
    with pytest.raises(DecodingError, match="more than 3 bytes"):
        msgpack_decoder(str, 3)(b"\xff\xff\xff\xff")


def test_json_and_msgpack_are_decoded_in_one_place() -> None:
    decodes = re.compile(r"msgspec\.(json|msgpack|yaml|toml)\.(decode|Decoder)|json\.loads?\(")
    found = [
        str(file.relative_to(ROOT))
        for room in ("core", "hw", "kiosk")
        for file in sorted((ROOT / room).rglob("*.py"))
        if decodes.search(file.read_text(encoding="utf-8"))
    ]
    assert found == ["core/decoding.py"]
