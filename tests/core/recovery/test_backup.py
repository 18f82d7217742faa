"""A backup is believed only if state.json, manifest and journal tell one story."""

import copy
import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec import UNSET

from core.archive.backup_state import decode_state
from core.archive.container import JOURNAL_PATH
from core.archive.manifest import FORMAT_1, Earlier, Manifest
from core.certificate import Certificate
from core.errors import ArchiveCertificateError, ArchiveFormatError, CaError, JournalError
from core.policy.policy import encode_policy
from core.receive.opening import check_archive, read_member_lines
from core.recovery.backup import STATE_PATH, check_state, open_backup
from core.recovery.backup_journal import History, read_history
from core.store import journal
from tests.backups import LAST_VISIT, PastBox, make_past, policy_for, read_member, spoil

Json = dict[str, Any]


@pytest.fixture(scope="module")
def past(tmp_path_factory: pytest.TempPathFactory) -> tuple[PastBox, Path]:
    return make_past(tmp_path_factory.mktemp("past"))


class Checking:
    """Everything of one backup that its state is held against."""

    def __init__(self, box: PastBox, backup: Path, stack: ExitStack) -> None:
        self.archive, checked = stack.enter_context(
            check_archive(backup, [box.identity], (), lambda _: True, LAST_VISIT)
        )
        self.manifest, self.chains = checked.received.manifest, checked.chains
        self.history = read_history(journal.read_lines(read_member_lines(self.archive, JOURNAL_PATH)))
        self.data = self.archive.read(STATE_PATH)

    @property
    def json(self) -> Json:
        found: Json = json.loads(self.data)
        return found

    def check(
        self, state: Json, manifest: Manifest | None = None, history: History | None = None
    ) -> tuple[Certificate, ...]:
        data = msgspec.json.encode(state, order="sorted")
        told = history or self.history
        return check_state(decode_state(data), manifest or self.manifest, self.chains, told)[1]


@pytest.fixture(scope="module")
def checking(past: tuple[PastBox, Path]) -> Iterator[Checking]:
    with ExitStack() as stack:
        yield Checking(*past, stack)


def test_the_state_of_a_backup_fits(checking: Checking) -> None:
    certificates = checking.check(checking.json)
    assert {item.kind for item in certificates} == {"root", "signer", "seal"}
    unlisted = [item for item in checking.json["certificates"] if "der" in item]
    assert {item["entry"]["kind"] for item in unlisted} == {"signer", "seal"}


def _unlisted(state: Json, kind: str = "signer") -> Json:
    found: Json = next(
        item for item in state["certificates"] if "entry" in item and item["entry"]["kind"] == kind
    )
    return found


def _listed(state: Json) -> Json:
    found: Json = next(item for item in state["certificates"] if "entry" not in item)
    return found


def _set(*path: str | int, to: Any) -> Callable[[Json], None]:
    def change(state: Any) -> None:
        for key in path[:-1]:
            state = state[key]
        state[path[-1]] = to

    return change


def _swap(state: Json) -> None:
    certificates = state["certificates"]
    certificates[0], certificates[-1] = certificates[-1], certificates[0]


STATE_FAULTS: dict[str, Callable[[Json], Any]] = {
    "no policy": lambda state: state["facts"].pop("policy"),
    "a policy that is none": _set("facts", "policy", to="{}"),
    "no incarnation": lambda state: state["facts"].pop("incarnation"),
    "another incarnation": _set("facts", "incarnation", to="11111111-2222-4333-8444-555555555555"),
    "a past incarnation": _set("facts", "restored_from", to="11111111-2222-4333-8444-555555555555"),
    "a private box key": _set("facts", "box_seed", to="00" * 32),
    "no drill token": lambda state: state["facts"].pop("drill_token"),
    "a short drill token": _set("facts", "drill_token", to="00"),
    "a drill that was not": _set("facts", "drilled other", to="2027-09-01T00:00:00Z"),
    "another day of a drill": _set("facts", "drilled main-backup", to="2027-09-01T00:00:00Z"),
    "an archive twice": lambda state: state["archives"].append(state["archives"][0]),
    "an archive less": lambda state: state["archives"].pop(),
    "another manifest": _set("archives", 0, "manifest_sha256", to="0" * 64),
    "an archive not written": _set("archives", 0, "written_at", to=None),
    "an archive written later": _set("archives", 0, "written_at", to="2027-09-01T00:00:00Z"),
    "a sequence twice": lambda state: state["sequences"].append(state["sequences"][0]),
    "no sequence": lambda state: state["sequences"].clear(),
    "a sequence behind": _set("sequences", 2, "last", to=1),
    "the own sequence ahead": _set("sequences", 0, "last", to=9),
    "a certificate twice": lambda state: state["certificates"].append(state["certificates"][0]),
    "a listed certificate less": lambda state: state["certificates"].remove(_listed(state)),
    "an unlisted certificate less": lambda state: state["certificates"].remove(_unlisted(state)),
    "another order": _swap,
    "a listed one with DER": lambda state: _listed(state).update(der=""),
    "an unlisted one without DER": lambda state: _unlisted(state).pop("der"),
    "an unlisted one without entry": lambda state: _unlisted(state).pop("entry"),
    "an entry of another id": lambda state: _unlisted(state)["entry"].update(
        id="0" * 8 + "-0000" * 3 + "-" + "0" * 12
    ),
    "an entry of an unknown root": lambda state: _unlisted(state)["entry"].update(
        issuer="0" * 8 + "-0000" * 3 + "-" + "0" * 12
    ),
    "an unlisted root": lambda state: _unlisted(state)["entry"].update(kind="root"),
    "an unlisted key": lambda state: _unlisted(state)["entry"].update(key_file="keys/x.pem"),
    "an entry of another file": lambda state: _unlisted(state)["entry"].update(file="signers/x.pem"),
    "a signer without a lane": lambda state: _unlisted(state)["entry"].update(lane=None),
    "a seal with a lane": lambda state: _unlisted(state, "seal")["entry"].update(lane=1),
    "DER that is none": lambda state: _unlisted(state).update(der="AAAA"),
    "DER of another": lambda state: _unlisted(state).update(der=_unlisted(state, "seal")["der"]),
    "a revocation more": lambda state: _listed(state).update(
        revoked_at="2027-09-01T00:00:00Z", reason="superseded"
    ),
    "a reason more": lambda state: _listed(state).update(reason="superseded"),
    "a revocation less": lambda state: [
        (item.pop("revoked_at"), item.pop("reason")) for item in state["certificates"] if "reason" in item
    ],
    "another reason": lambda state: next(item for item in state["certificates"] if "reason" in item).update(
        reason="unspecified"
    ),
}


@pytest.mark.parametrize("fault", STATE_FAULTS)
def test_refuses_a_state_with(checking: Checking, fault: str) -> None:
    state = checking.json
    STATE_FAULTS[fault](state)
    assert state != checking.json
    with pytest.raises(ArchiveFormatError):
        checking.check(state)


def test_refuses_an_unlisted_certificate_that_is_not_its_entrys(checking: Checking) -> None:
    state = checking.json
    _unlisted(state)["entry"]["not_after"] = "2027-05-01T00:00:00Z"
    with pytest.raises(ArchiveCertificateError, match="dates"):
        checking.check(state)


def test_refuses_a_policy_that_is_not_the_manifests(checking: Checking, past: tuple[PastBox, Path]) -> None:
    state = checking.json
    other = policy_for(past[0].identity, drill_every_days=30)
    state["facts"]["policy"] = encode_policy(other).decode()
    with pytest.raises(ArchiveFormatError, match="policy"):
        checking.check(state)


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ({"name": "spare"}, "name of this backup"),
        ({"earlier": ()}, "archive before"),
        ({"sequence": 99}, "sequence"),
    ],
)
def test_refuses_a_manifest_that_is_not_the_states(checking: Checking, change: Json, what: str) -> None:
    manifest = msgspec.structs.replace(checking.manifest, **change)
    with pytest.raises(ArchiveFormatError, match=what):
        checking.check(checking.json, manifest)


def test_refuses_a_manifest_of_another_authority(checking: Checking) -> None:
    authority = msgspec.structs.replace(checking.manifest.authority, name="Another World")
    manifest = msgspec.structs.replace(checking.manifest, authority=authority)
    with pytest.raises(ArchiveFormatError, match="authority"):
        checking.check(checking.json, manifest)


def test_refuses_a_list_of_earlier_backups_that_is_not_the_states(checking: Checking) -> None:
    earlier = cast("tuple[Earlier, ...]", checking.manifest.earlier)
    assert len(earlier) > 1
    manifest = msgspec.structs.replace(checking.manifest, earlier=earlier[1:])
    with pytest.raises(ArchiveFormatError, match="archives before"):
        checking.check(checking.json, manifest)


def test_refuses_a_manifest_behind_an_archive_of_its_name(checking: Checking) -> None:
    """The number and the one before it fit the state; only the newest archive is as new as the backup."""
    state = checking.json
    last = max(item["sequence"] for item in state["archives"] if item["name"] == "main-backup")
    state["sequences"][0]["last"] = last
    manifest = msgspec.structs.replace(
        checking.manifest,
        format=FORMAT_1,
        earlier=UNSET,
        targets=UNSET,
        box_key=UNSET,
        previous=checking.manifest.before,
        sequence=last,
    )
    with pytest.raises(ArchiveFormatError, match="box key"):  # which the journal of format 1 does not name
        checking.check(state, manifest)
    with pytest.raises(ArchiveFormatError, match="archive before"):
        checking.check(state, manifest, replace(checking.history, box_key=None))


def _places(value: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        yield (*path, key)
        yield from _places(inner, (*path, key))


LEAVES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-1, 2**40),
    st.text(max_size=40),
    st.sampled_from(["2027-01-01T00:00:00Z", "0" * 64, "signer", "egress", [], {}]),
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_state_that_was_altered_is_refused_or_says_the_same(
    checking: Checking, data: st.DataObject
) -> None:
    """Nothing but our own refusals comes out, and nothing that counts can be changed."""
    state = checking.json
    *path, last = data.draw(st.sampled_from(list(_places(state))))
    inner: Any = state
    for key in path:
        inner = inner[key]
    match data.draw(st.sampled_from(["replace", "drop", "double", "copy"])):
        case "replace":
            inner[last] = data.draw(LEAVES)
        case "drop":
            del inner[last]
        case "double" if isinstance(inner, list):
            inner.insert(data.draw(st.integers(0, len(inner))), copy.deepcopy(inner[last]))
        case _:
            inner[last] = copy.deepcopy(
                data.draw(st.sampled_from(list(inner.values() if isinstance(inner, dict) else inner)))
            )
    try:
        certificates = checking.check(state)
    except CaError:
        return
    before, after = checking.json, state
    assert certificates == checking.check(before)
    for counted in ("policy", "incarnation", "restored_from", "drilled main-backup"):
        assert after["facts"].get(counted) == before["facts"].get(counted)
    free = {"created"}  # of an archive: shown, and decides nothing
    assert [{key: item[key] for key in item.keys() - free} for item in after["archives"]] == [
        {key: item[key] for key in item.keys() - free} for item in before["archives"]
    ]


# --- whole archives, sealed again ---


def refusal(box: PastBox, archive: bytes, folder: Path) -> CaError:
    (folder / "a").write_bytes(archive)
    with (
        pytest.raises(CaError) as caught,
        open_backup(folder / "a", [box.identity], (), lambda _: True, LAST_VISIT),
    ):
        pass
    return caught.value


def test_a_backup_that_is_sealed_again_without_a_change_opens(
    past: tuple[PastBox, Path], tmp_path: Path
) -> None:
    box, backup = past
    (tmp_path / "a").write_bytes(spoil(backup.read_bytes(), box, {}))
    with open_backup(tmp_path / "a", [box.identity], (), lambda _: True, LAST_VISIT) as opened:
        assert opened.manifest.sequence == 3


@pytest.mark.parametrize("change", [b"{}", b"", b"\xff"])
def test_refuses_a_sealed_state_that_is_not_to_the_format(
    past: tuple[PastBox, Path], tmp_path: Path, change: bytes
) -> None:
    box, backup = past
    spoilt = spoil(backup.read_bytes(), box, {STATE_PATH: change})
    assert refusal(box, spoilt, tmp_path).code == "E-ARCHIVE-FORMAT"


def test_refuses_a_sealed_state_of_another_backup(past: tuple[PastBox, Path], tmp_path: Path) -> None:
    box, backup = past
    older = next(path for path in box.out.iterdir() if "main-backup-000002" in path.name)
    state = read_member(older.read_bytes(), box.identity, STATE_PATH)
    spoilt = spoil(backup.read_bytes(), box, {STATE_PATH: state})
    assert refusal(box, spoilt, tmp_path).code == "E-ARCHIVE-FORMAT"


def test_refuses_a_journal_of_another_backup(past: tuple[PastBox, Path], tmp_path: Path) -> None:
    box, backup = past
    older = next(path for path in box.out.iterdir() if "main-backup-000002" in path.name)
    lines = read_member(older.read_bytes(), box.identity, JOURNAL_PATH)
    head = journal.verify_lines(lines.splitlines()).hash
    changes = {JOURNAL_PATH: lines}
    assert isinstance(refusal(box, spoil(backup.read_bytes(), box, changes), tmp_path), JournalError)
    spoilt = spoil(
        backup.read_bytes(),
        box,
        changes,
        lambda manifest: msgspec.structs.replace(manifest, journal_head=head),
    )
    assert refusal(box, spoilt, tmp_path).code == "E-ARCHIVE-FORMAT"
