"""docs/archive-format.md is the law: its tables are those of the code."""

import re
from pathlib import Path

import msgspec

from core.archive.backup_state import STATE_FORMAT, State
from core.archive.manifest import FORMAT, MAX_CERTIFICATES, MAX_MANIFEST_BYTES, CertificateEntry, Manifest
from core.archive.seal import SEAL_EKU
from core.export.receipt import RECEIPT_FORMAT, Receipt

PAGE = (Path(__file__).parents[3] / "docs" / "archive-format.md").read_text()


def section(title: str) -> str:
    return PAGE.split(f"## {title}\n")[1].split("\n## ")[0]


def keys_of_table(text: str) -> set[str]:
    """Return the names in the first column of every table of a text."""
    cells = re.findall(r"^\| (`[^|]+) \|", text, re.MULTILINE)
    return {name for cell in cells for name in re.findall(r"`(\w+)`", cell)}


def fields_of(struct: type[msgspec.Struct]) -> set[str]:
    return {field.encode_name for field in msgspec.structs.fields(struct)}


def test_the_page_names_every_key_of_the_manifest() -> None:
    assert keys_of_table(section("The manifest")) == fields_of(Manifest) | fields_of(CertificateEntry)


def test_the_page_names_every_key_of_the_receipt() -> None:
    text = section("The receipt")
    listed = set(re.findall(r"`(\w+)`", text.split("has exactly:")[1].split("and\n\n")[0]))
    assert listed | keys_of_table(text) == fields_of(Receipt)


def test_the_page_names_every_key_of_the_state() -> None:
    assert keys_of_table(section("The state of a backup")) == fields_of(State)


def test_the_page_names_versions_and_bounds() -> None:
    for value in (FORMAT, RECEIPT_FORMAT, STATE_FORMAT, SEAL_EKU.dotted_string, f"{MAX_CERTIFICATES:,}"):
        assert value in PAGE
    assert f"`manifest.json` | canonical JSON | {MAX_MANIFEST_BYTES // 2**20} MiB" in PAGE
