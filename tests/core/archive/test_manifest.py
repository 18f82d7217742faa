from datetime import timedelta
from typing import Any

import msgspec
import pytest
from msgspec import UNSET

from core.archive.manifest import (
    FORMAT_1,
    MAX_EARLIER,
    MAX_MANIFEST_BYTES,
    Authority,
    CertificateEntry,
    Earlier,
    FileEntry,
    Manifest,
    decode_manifest,
    encode_manifest,
    list_paths,
    list_targets,
    make_entry,
)
from core.errors import ArchiveFormatError
from tests.builders import make_certificate, make_root, make_seal_record, utc

ID = "c5ce9b8a-3cf1-4b50-b62c-7979d7d0edd7"
NOW = utc("2027-01-02")


def make_manifest(**fields: Any) -> Manifest:
    given: dict[str, Any] = {
        "authority": Authority(id=ID, name='Ünï "certificates":[] "files":[] \\', domain="worlds.example"),
        "incarnation": ID,
        "restored_from": None,
        "kind": "backup",
        "name": "main",
        "sequence": 7,
        "created": NOW,
        "earlier": (Earlier(sequence=2, sha256="d" * 64), Earlier(sequence=5, sha256="e" * 64)),
        "box_key": "f" * 64,
        "policy_sha256": "a" * 64,
        "journal_head": "b" * 64,
        "next_visit_by": utc("2027-03-01"),
        "certificates": (
            make_entry(make_root(), "active", with_key=True),
            make_entry(make_seal_record(), "active", with_key=True),
            make_entry(make_certificate(), "active", with_key=True),
            make_entry(make_certificate(number=2), "revoked", with_key=False),
        ),
    }
    given["targets"] = list_targets(given["certificates"])
    manifest = Manifest(**(given | fields))
    if "files" in fields:
        return manifest
    crls = frozenset({f"crls/{make_root().id}.crl"})
    files = tuple(FileEntry(path=path, size=1, sha256="c" * 64) for path in list_paths(manifest, crls))
    return msgspec.structs.replace(manifest, files=files)


def tampered(change: Any, **fields: Any) -> bytes:
    """Return a manifest whose JSON was changed by a function and is canonical again."""
    data = msgspec.json.decode(encode_manifest(make_manifest(**fields)))
    change(data)
    return msgspec.json.encode(data, order="sorted")


def test_a_manifest_comes_back_from_its_bytes() -> None:
    manifest = make_manifest()
    assert decode_manifest(encode_manifest(manifest)) == manifest


def test_the_top_level_keys_are_those_of_the_format() -> None:
    data = msgspec.json.decode(encode_manifest(make_manifest()))
    assert list(data) == [
        *("authority", "box_key", "certificates", "created", "earlier", "files", "format", "incarnation"),
        *(
            "journal_head",
            "kind",
            "name",
            "next_visit_by",
            "policy_sha256",
            "restored_from",
            "sequence",
            "targets",
        ),
    ]
    assert data["format"] == "pism-archive-v2"


def test_a_target_says_the_longest_leaf_that_none_of_its_signers_outlives() -> None:
    def signer(number: int, days: int, status: Any, target: str = "mongo") -> CertificateEntry:
        record = make_certificate(number=number)
        tail = timedelta(days=days) - timedelta(seconds=1)
        entry = make_entry(record, status, with_key=False)
        return msgspec.structs.replace(entry, target=target, not_after=record.issue_until + tail)

    listed = list_targets(
        [
            make_entry(make_root(), "active", with_key=False),
            signer(1, 60, "future", "redis"),
            signer(2, 30, "active"),
            signer(3, 14, "future"),
            signer(4, 7, "retired"),
            signer(5, 5, "revoked"),
            signer(6, 9, "retired", "etcd"),
        ]
    )
    assert [(item.class_name, item.target, item.leaf_lifetime_days) for item in listed] == [
        ("services", "etcd", 9),
        ("services", "mongo", 14),
        ("services", "redis", 60),
    ]


def test_a_manifest_of_format_1_names_the_one_before_only() -> None:
    manifest = make_manifest(format=FORMAT_1, earlier=UNSET, targets=UNSET, box_key=UNSET, previous="d" * 64)
    data = encode_manifest(manifest)
    assert msgspec.json.decode(data).keys() - {"previous"} == make_keys() - {"earlier", "targets", "box_key"}
    assert decode_manifest(data) == manifest
    assert manifest.before == "d" * 64


def make_keys() -> set[str]:
    return set(msgspec.json.decode(encode_manifest(make_manifest())))


@pytest.mark.parametrize(
    "fields",
    [
        {"format": FORMAT_1},
        {"format": FORMAT_1, "earlier": UNSET, "targets": UNSET, "box_key": UNSET},
        {"format": FORMAT_1, "earlier": UNSET, "previous": None, "box_key": UNSET},
        {"format": FORMAT_1, "earlier": UNSET, "previous": None, "targets": UNSET},
        {"targets": UNSET},
        {"box_key": UNSET},
        {"format": FORMAT_1, "previous": None, "targets": UNSET, "box_key": UNSET},
        {"earlier": UNSET},
        {"earlier": UNSET, "previous": None},
        {"previous": None},
    ],
)
def test_a_manifest_has_no_key_of_the_other_format(fields: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="format"):
        make_manifest(**fields)


def test_the_list_of_earlier_ones_has_its_bound_in_numbers_and_bytes() -> None:
    whole = tuple(Earlier(sequence=2**31 - 2 - n, sha256="d" * 64) for n in reversed(range(MAX_EARLIER)))
    most = make_manifest(earlier=whole, sequence=2**31 - 1)
    data = encode_manifest(most)
    assert decode_manifest(data) == most
    assert len(data) - len(encode_manifest(make_manifest(earlier=(), sequence=2**31 - 1))) < 1_000_000
    longer = tampered(
        lambda data: data["earlier"].insert(0, {"sequence": 1, "sha256": "d" * 64}),
        earlier=whole,
        sequence=2**31 - 1,
    )
    with pytest.raises(ArchiveFormatError, match="length"):
        decode_manifest(longer)


def test_a_certificate_entry_has_the_keys_of_the_format() -> None:
    keys = {
        *("id", "kind", "class", "target", "lane", "period", "algorithm", "issue_from", "issue_until"),
        *("not_before", "not_after", "serial", "issuer", "file", "sha256", "status"),
    }
    with_key, without = msgspec.json.decode(encode_manifest(make_manifest()))["certificates"][2:]
    assert set(without) == keys
    assert set(with_key) == keys | {"key_file"}
    assert with_key["issue_from"] == "2027-01-01T00:00:00Z"
    assert with_key["not_after"] == "2027-04-30T23:59:59Z"
    assert with_key["serial"] == f"{4097:040x}"


def test_members_are_listed_in_the_order_of_the_format() -> None:
    paths = [file.path for file in make_manifest().files]
    assert [path.split("/")[0] for path in paths] == [
        *("seals", "roots", "signers", "signers", "keys", "keys", "keys"),
        *("passphrases.age", "crls", "journal.jsonl", "state.json"),
    ]


def test_an_egress_has_no_state() -> None:
    entries = (make_entry(make_root(), "active", with_key=False),)
    files = make_manifest(kind="egress", certificates=entries).files
    assert files[-1].path == "journal.jsonl"


def test_a_streamed_manifest_has_the_same_bytes() -> None:
    manifest = make_manifest()
    head = msgspec.structs.replace(manifest, certificates=(), files=())
    streamed = encode_manifest(head, iter(manifest.certificates), iter(manifest.files))
    assert streamed == encode_manifest(manifest)


def test_refuses_another_version() -> None:
    data = b'{"format":"pism-archive-v3","anything":[1]}'
    with pytest.raises(ArchiveFormatError, match="pism-archive-v3"):
        decode_manifest(data)


@pytest.mark.parametrize(
    "data",
    [b"", b"{}", b"[]", b"{", b'{"format":1}', b'{"format":"\xff"}', b'{"format":"' + b"x" * 65 + b'"}'],
)
def test_refuses_what_names_no_format(data: bytes) -> None:
    with pytest.raises(ArchiveFormatError):
        decode_manifest(data)


def test_refuses_a_manifest_above_the_bound() -> None:
    with pytest.raises(ArchiveFormatError, match="more than"):
        decode_manifest(bytes(MAX_MANIFEST_BYTES + 1))


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b'"kind":"backup"', b'"kind": "backup"'),
        (b'"sequence":7,', b'"sequence":7,"sequence":7,'),
        (b'"created":"2027-01-02T00:00:00Z"', b'"created":"2027-01-02T00:00:00+00:00"'),
        (b'"created":"2027-01-02T00:00:00Z"', b'"created":"2027-01-02t00:00:00Z"'),
        (b'"domain":"worlds.example"', b'"domain":"worlds\\u002eexample"'),
        (b'"mongo"}]}', b'"mongo"}]}\n'),
        (b'"restored_from":null,', b""),
    ],
)
def test_refuses_what_is_not_canonical(before: bytes, after: bytes) -> None:
    data = encode_manifest(make_manifest())
    assert before in data
    with pytest.raises(ArchiveFormatError):
        decode_manifest(data.replace(before, after))


@pytest.mark.parametrize(
    "change",
    [
        lambda data: data.update(extra=1),
        lambda data: data.pop("earlier"),
        lambda data: data.pop("targets"),
        lambda data: data["targets"].clear(),
        lambda data: data["targets"][0].update(leaf_lifetime_days=31),
        lambda data: data["targets"].append(data["targets"][0]),
        lambda data: data.update(previous=None),
        lambda data: data["earlier"].reverse(),
        lambda data: data["earlier"].append(data["earlier"][-1]),
        lambda data: data["earlier"][-1].update(sequence=7),
        lambda data: data["earlier"][0].update(sequence=0),
        lambda data: data["earlier"][0].update(sha256="D" * 64),
        lambda data: data["earlier"][0].update(name="main"),
        lambda data: data.update(sequence=0),
        lambda data: data.update(sequence=2**31),
        lambda data: data.update(sequence="1"),
        lambda data: data.update(name="../main"),
        lambda data: data.update(name="main\n"),
        lambda data: data.update(kind="other"),
        lambda data: data.update(created="2027-01-02T00:00:00.5Z"),
        lambda data: data.update(created="2027-01-02T00:00:00"),
        lambda data: data.update(policy_sha256="A" * 64),
        lambda data: data["authority"].update(name=""),
        lambda data: data["files"][0].update(size=-1),
        lambda data: data["files"][0].update(path="/etc/passwd"),
        lambda data: data["files"].pop(),
        lambda data: data["files"].append(data["files"][0]),
        lambda data: data["files"].reverse(),
        lambda data: data["certificates"].reverse(),
        lambda data: data["certificates"].append(data["certificates"][-1]),
        lambda data: data["certificates"][0].update(issuer=ID),
        lambda data: data["certificates"][0].update(lane=1),
        lambda data: data["certificates"][0].update(file="roots/other.pem"),
        lambda data: data["certificates"][2].update(lane=None),
        lambda data: data["certificates"][2].update(issuer=ID),
        lambda data: data["certificates"][2].update(not_after="2027-04-30T23:59:59.9Z"),
        lambda data: data["certificates"][2].update(key_file="keys/other.pem"),
        lambda data: data["certificates"][2].update(file="signers/services/mongo/../x.pem"),
        lambda data: data["certificates"][2].update(status="fine"),
    ],
)
def test_refuses_what_is_not_to_the_format(change: Any) -> None:
    with pytest.raises(ArchiveFormatError):
        decode_manifest(tampered(change))


def test_refuses_an_egress_that_names_a_root_key() -> None:
    def make_egress(data: dict[str, Any]) -> None:
        data["kind"] = "egress"
        data["files"].pop()

    with pytest.raises(ArchiveFormatError, match="key of root"):
        decode_manifest(tampered(make_egress))


def test_refuses_two_seals_of_one_root() -> None:
    entries = (
        make_entry(make_root(), "active", with_key=False),
        make_entry(make_seal_record(), "active", with_key=False),
        make_entry(make_seal_record(number=0xD), "active", with_key=False),
    )
    with pytest.raises(ArchiveFormatError, match="twice"):
        decode_manifest(encode_manifest(make_manifest(certificates=entries)))


def test_an_entry_has_whole_seconds() -> None:
    odd = make_certificate(issue_from=utc("2027-01-01") + timedelta(microseconds=1))
    with pytest.raises(ValueError, match="whole seconds"):
        make_entry(odd, "active", with_key=False)
