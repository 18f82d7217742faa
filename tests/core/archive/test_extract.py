"""What an egress carries of the journal: what is in it, what is not, and what is refused."""

import json
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from core.archive.extract import check_extract, extract
from core.archive.manifest import Manifest, make_entry
from core.errors import JournalError
from core.store import journal
from core.store.keyslots import KdfCost
from core.store.store import create_store
from tests.archives import Box, make_box
from tests.archives import extract as lines_of
from tests.authority_store import PASSPHRASE
from tests.builders import utc

NOW = utc("2027-01-15T10:00")
OURS, THEIRS = "00000000-0000-4000-8000-00000000000a", "00000000-0000-4000-8000-00000000000b"
DIGEST = "ab" * 32
REQUESTS = [{"file": "a.csr", "subject": "CN=ours"}, {"file": "b.csr", "subject": "CN=theirs"}]
PAIRS = [[OURS, DIGEST], [THEIRS, DIGEST]]
ACTS: list[tuple[str, dict[str, Any]]] = [
    ("init", {"authority": "x", "incarnation": "i", "box_key": "k", "policy": DIGEST}),
    ("unlock", {"failed": 2}),
    ("issue", {"certificates": PAIRS, "requests": REQUESTS, "note": "theirs"}),
    ("issue", {"certificates": PAIRS[1:]}),
    ("policy", {"policy": DIGEST, "names": ["theirs"]}),
    ("revoke", {"id": THEIRS, "kind": "signer", "reason": "superseded"}),
    ("revoke", {"id": OURS, "kind": "signer", "reason": "superseded"}),
    ("export", {"name": "theirs", "sequence": 1}),
    ("export", {"name": "ours", "sequence": 1}),
    ("backup", {"name": "ours", "sequence": 1}),
    ("written", {"kind": "egress", "name": "theirs", "sequence": 1, "where": "PISM-T"}),
    ("written", {"kind": "egress", "name": "ours", "sequence": 1, "where": "PISM-O"}),
    ("clock", {"last": "2027-01-15T10:00:00Z", "issued_after": 7}),
    ("drill", {"name": "theirs", "sequence": 1}),
    ("seal", {"number": "4711"}),
]
TOLD = [
    ("init", {"incarnation": "i", "box_key": "k"}),
    ("issue", {"certificates": PAIRS[:1], "requests": REQUESTS[:1]}),
    ("revoke", {"id": OURS, "kind": "signer", "reason": "superseded"}),
    ("export", {"name": "ours", "sequence": 1}),
    ("written", {"kind": "egress", "name": "ours", "sequence": 1, "where": "PISM-O"}),
    ("clock", {"last": "2027-01-15T10:00:00Z"}),
    ("seal", {}),
]


@pytest.fixture
def entries(tmp_path: Path) -> list[journal.Entry]:
    """A journal in which two egresses had their acts."""
    with (
        create_store(tmp_path / "state", PASSPHRASE, KdfCost(), stay_open=True) as store,
        store.transaction(),
    ):
        for number, (act, detail) in enumerate(ACTS):
            journal.append(store, act, detail, NOW + timedelta(minutes=number))
        return list(store.entries())


def test_an_egress_is_told_of_the_box_and_of_itself_and_of_nobody_else(entries: list[journal.Entry]) -> None:
    data = b"".join(extract(entries, "ours", frozenset({OURS})))
    lines = [json.loads(line) for line in data.splitlines()]
    assert [(line["act"], line["detail"]) for line in lines] == TOLD
    assert b"theirs" not in data
    assert THEIRS.encode() not in data


def test_each_line_is_an_entry_that_the_journal_has(entries: list[journal.Entry]) -> None:
    known = {entry.sequence: (entry.hash, f"{entry.time:%Y-%m-%dT%H:%M:%SZ}") for entry in entries}
    lines = [json.loads(line) for line in extract(entries, "ours", frozenset({OURS}))]
    assert all(known[line["sequence"]] == (line["hash"], line["time"]) for line in lines)
    assert lines[-1]["hash"] == entries[-1].hash


def test_the_last_line_is_the_head_once_also_where_it_concerns_the_egress(
    entries: list[journal.Entry],
) -> None:
    lines = [json.loads(line) for line in extract(entries[:9], "ours", frozenset({OURS}))]
    assert (lines[-1]["sequence"], lines[-1]["detail"]) == (9, {"name": "ours", "sequence": 1})
    assert list(extract([], "ours", frozenset())) == []


# What a receiver takes.


@pytest.fixture
def box() -> Box:
    return make_box()


def manifest_of(box: Box, head: str) -> Manifest:
    """A manifest that lists what the box made; the first signer is revoked."""
    gone = box.of("signer")[0]
    listed = tuple(
        make_entry(item.record, "revoked" if item is gone else "active", with_key=False) for item in box.made
    )
    fields = dict.fromkeys(("earlier", "targets", "box_key"), msgspec.UNSET)
    return Manifest(
        **fields,
        format="pism-archive-v1",  # the checks of format 2's own keys stand elsewhere
        authority={"id": box.id, "name": box.name, "domain": "d"},
        incarnation=box.incarnation,
        restored_from=None,
        kind="egress",
        name="main",
        sequence=1,
        created=NOW,
        previous=None,
        policy_sha256=DIGEST,
        journal_head=head,
        next_visit_by=NOW,
        certificates=listed,
    )


def spoilt(lines: list[dict[str, Any]], root: str) -> Iterator[tuple[str, list[Any]]]:
    init, issue, revoke = lines
    pairs = issue["detail"]["certificates"]
    yield "nothing", []
    yield "no head", lines[:2]
    yield "another head", [init, issue, revoke | {"hash": DIGEST}]
    yield "out of order", [issue, init, revoke]
    yield "twice the same number", [init, issue, revoke | {"sequence": issue["sequence"]}]
    yield "not issued", [init, issue | {"detail": {"certificates": pairs[1:]}}, revoke]
    yield "issued twice", [init, issue, issue | {"sequence": 7}, revoke]
    yield "issued another", [init, issue | {"detail": {"certificates": [*pairs, [THEIRS, DIGEST]]}}, revoke]
    yield (
        "issued otherwise",
        [init, issue | {"detail": {"certificates": [[pairs[0][0], DIGEST], *pairs[1:]]}}, revoke],
    )
    yield "issued in words", [init, issue | {"detail": {"certificates": "all"}}, revoke]
    yield "not revoked", [init, issue, revoke | {"detail": {}}]
    yield "revoked another", [init, issue, revoke | {"detail": revoke["detail"] | {"id": THEIRS}}]
    yield "revoked its root", [init, issue, revoke | {"detail": revoke["detail"] | {"id": root}}]
    yield (
        "a stranger is revoked, too",
        [
            init,
            issue,
            revoke | {"detail": revoke["detail"] | {"id": THEIRS}, "sequence": 7},
            revoke,
        ],
    )
    yield "no time zone", [init, issue, revoke | {"time": "2027-01-15T10:00:00"}]
    yield "another time zone", [init, issue, revoke | {"time": "2027-01-15T10:00:00+01:00"}]
    yield "parts of a second", [init, issue, revoke | {"time": "2027-01-15T10:00:00.5Z"}]
    yield "one key more", [init, issue, revoke | {"state": DIGEST}]
    yield "a fraction", [init, issue, revoke | {"sequence": 9.0}]
    yield "a number below one", [init | {"sequence": 0}, issue, revoke]


def encode(lines: list[Any]) -> list[bytes]:
    return [json.dumps(line, separators=(",", ":"), sort_keys=True).encode() for line in lines]


def refuses(lines: list[bytes], manifest: Manifest) -> bool:
    try:
        check_extract(lines, manifest)
    except JournalError:
        return True
    return False


def test_a_receiver_takes_just_the_issue_and_revocation_of_what_is_listed(box: Box) -> None:
    manifest = manifest_of(box, "")
    data, head = lines_of(manifest.certificates)
    manifest = msgspec.structs.replace(manifest, journal_head=head)
    check_extract(data.splitlines(), manifest)
    lines = [json.loads(line) for line in data.splitlines()]
    assert encode(lines) == data.splitlines()
    wrong = dict(spoilt(lines, box.of("root")[0].record.id))
    assert [what for what, spoil in wrong.items() if not refuses(encode(spoil), manifest)] == []


@pytest.mark.parametrize(
    "spoil",
    [
        lambda line: b" " + line,
        lambda line: line.replace(b'"act"', b'"act":"init","act"'),
        lambda line: line.replace(b"{}", b"{ }"),
        lambda _: b"\xff",
        lambda _: b"[" * 100_000,
        lambda _: b"",
    ],
)
def test_a_line_has_one_form(box: Box, spoil: Callable[[bytes], bytes]) -> None:
    manifest = manifest_of(box, "")
    data, head = lines_of(manifest.certificates)
    first, *rest = data.splitlines()
    with pytest.raises(JournalError):
        check_extract([spoil(first), *rest], msgspec.structs.replace(manifest, journal_head=head))
