import msgspec
import pytest

from core.archive.backup_state import (
    MAX_STATE_BYTES,
    State,
    StateArchive,
    StateCertificate,
    StateSequence,
    decode_state,
)
from core.errors import ArchiveFormatError
from tests.builders import make_certificate, utc

STATE = State(
    facts={"policy": "{}", "incarnation": "x"},
    sequences=(StateSequence(kind="egress", name="main", last=3),),
    archives=(
        StateArchive(
            kind="egress",
            name="main",
            sequence=3,
            created=utc("2027-01-01"),
            manifest_sha256="a" * 64,
            written_at=None,
        ),
    ),
    certificates=(StateCertificate(id=make_certificate().id, der=b"der"),),
)
DATA = msgspec.json.encode(STATE, order="sorted")


def test_a_state_comes_back_from_its_bytes() -> None:
    assert decode_state(DATA) == STATE


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{}",
        DATA + b"\n",
        DATA.replace(b'"last":3', b'"last":0'),
        DATA.replace(b"pism-state-v1", b"pism-state-v2"),
        DATA.replace(b'"facts":{', b'"facts": {'),
        DATA.replace(b'"x"', b'"\xff"'),
        DATA.replace(b'"format"', b'"extra":1,"format"'),
    ],
)
def test_refuses_what_is_not_to_the_format(data: bytes) -> None:
    with pytest.raises(ArchiveFormatError):
        decode_state(data)


def test_refuses_a_state_above_the_bound() -> None:
    with pytest.raises(ArchiveFormatError, match="more than"):
        decode_state(bytes(MAX_STATE_BYTES + 1))
