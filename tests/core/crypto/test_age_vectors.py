"""The vectors of C2SP's CCTV: each file opens, or is refused at the layer that the vector names."""

import hashlib
import io
import zlib
from dataclasses import dataclass
from pathlib import Path

import pytest

from core.crypto.age import decrypt_stream
from core.crypto.age_header import Header
from core.crypto.identities import load_identities
from core.errors import ArchiveDamagedError, ArchiveError, ArchiveIdentityError

FOLDER = Path(__file__).parent / "cctv"
NAMES = sorted(path.name for path in FOLDER.iterdir() if path.name != "README.md")
HYBRID = [name for name in NAMES if name.startswith("hybrid")]
HEADER_FAILS_ONLY_FOR_X25519 = {"hybrid_x25519_arg"}  # pyrage looks at that stanza, and says it as it says it


@dataclass(frozen=True, slots=True)
class Vector:
    expect: str
    payload: str
    identities: bytes
    file: bytes


def read(name: str) -> Vector:
    head, _, file = (FOLDER / name).read_bytes().partition(b"\n\n")
    lines = [line.split(": ", 1) for line in head.decode().splitlines()]
    fields = dict(lines)
    return Vector(
        expect=fields["expect"],
        payload=fields.get("payload", ""),
        identities="\n".join(value for key, value in lines if key == "identity").encode(),
        file=zlib.decompress(file) if fields.get("compressed") == "zlib" else file,
    )


def test_all_vectors_are_there() -> None:
    assert len(HYBRID) == 18
    assert len(NAMES) == 43


@pytest.mark.parametrize("name", NAMES)
def test_a_header_is_read_exactly_if_it_is_to_its_format(name: str) -> None:
    vector = read(name)
    if vector.expect == "header failure" and name not in HYBRID:
        with pytest.raises(ValueError, match=r"."):
            Header.parse(vector.file)
    elif name != "hybrid_not_canonical_body":
        header = Header.parse(vector.file)
        assert vector.file[: header.size].endswith(b"\n")
        assert b"".join(stanza.encode() for stanza in header.stanzas) in vector.file


@pytest.mark.parametrize("name", HYBRID)
def test_what_is_encrypted_to_a_post_quantum_key_opens_or_is_refused_as_the_vector_says(name: str) -> None:
    vector, out = read(name), io.BytesIO()
    identities = load_identities(vector.identities)
    if vector.expect == "success":
        decrypt_stream(io.BytesIO(vector.file), identities, out, 1 << 20)
        assert hashlib.sha256(out.getvalue()).hexdigest() == vector.payload
        return
    refusal = {"no match": ArchiveIdentityError, "header failure": ArchiveDamagedError}[vector.expect]
    if name in HEADER_FAILS_ONLY_FOR_X25519:
        refusal = ArchiveError
    with pytest.raises(refusal):
        decrypt_stream(io.BytesIO(vector.file), identities, out, 1 << 20)
    assert not out.getvalue()
