"""DER taken apart strictly, and put together again."""

import subprocess
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as some

from core.der import encode_element, read_elements, show_oid


@given(some.lists(some.tuples(some.integers(0, 255), some.binary(max_size=400)), max_size=4))
def test_what_is_put_together_is_taken_apart(items: list[tuple[int, bytes]]) -> None:
    der = b"".join(encode_element(*item) for item in items)
    found = list(read_elements(der))
    assert [(item.tag, item.content) for item in found] == items
    assert b"".join(item.whole for item in found) == der


@pytest.mark.parametrize(
    "der", ["30", "3001", "3080", "308100", "30817f" + "00" * 127, "30820080" + "00" * 128, "3003020100ff"]
)
def test_refuses_what_is_cut_or_not_in_its_shortest_form(der: str) -> None:
    with pytest.raises(ValueError, match="DER"):
        list(read_elements(bytes.fromhex(der)))


@given(some.binary(max_size=100))
def test_any_bytes_are_elements_or_refused(data: bytes) -> None:
    with suppress(ValueError):
        assert b"".join(item.whole for item in read_elements(data)) == data


@pytest.mark.parametrize("oid", ["1.2.840.113549.1.5.13", "2.16.840.1.101.3.4.1.42", "2.999.3", "0.9.2342"])
def test_an_identifier_is_shown_as_openssl_takes_it(tmp_path: Path, oid: str) -> None:
    made = ["openssl", "asn1parse", "-genstr", f"OID:{oid}", "-noout", "-out", tmp_path / "oid"]
    subprocess.run(made, check=True)
    (element,) = read_elements((tmp_path / "oid").read_bytes())
    assert show_oid(element.content) == oid
