"""What is over decides nothing: on what is alive all comes out as on everything that was ever issued."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.archive.box_key import make_box_key
from core.archive.contents import keep_seen, select_backup, select_egress, take_changes
from core.authority.status import make_status
from core.certificate import Certificate, Issued, Kind
from core.errors import StoppedError
from core.plan.coverage import find_coverage, next_visit_by
from core.plan.gaps import find_gaps
from core.policy.policy import Policy
from core.policy.settings import RootSettings, SignerSettings, Target
from core.store import journal
from core.store.database import Database
from core.store.folder import DATABASE, Folder
from core.store.store import Store
from tests.builders import make_policy, utc
from tests.core.opened import copy_state, make_issued, master_key
from tests.core.opened import found as found_store
from tests.core.simulation import Box

START = utc("2027-01-07T09:30")
POLICY = make_policy(
    roots=RootSettings(quantum=1.0, lead_time=1.0),
    signers=SignerSettings(
        lead_time=0.25,
        classes={"services": {"mongo": Target(quantum=0.25, load=2), "etcd": Target(quantum=1.0)}},
    ),
)
BLOCK_ROWS = 3
VISITS = st.lists(
    st.tuples(st.integers(1, 400), st.lists(st.integers(0, 1000), max_size=2), st.booleans()), max_size=12
)


class ReadsAll(Store):
    """A store that looks at everything that was ever issued, whatever it is asked for."""

    def each_certificate(
        self, kind: Kind | None = None, *, alive_at: datetime | None = None
    ) -> Iterator[Certificate]:
        return super().each_certificate(kind)

    def key_ids(self, *, alive_at: datetime | None = None) -> frozenset[str]:
        return super().key_ids()

    def counts(self, now: datetime) -> dict[str, int]:
        found: dict[str, int] = {}
        for item in self.certificates():
            name = f"{item.kind} {item.status(now)}"
            found[name] = found.get(name, 0) + 1
        return found

    def changed_since(self, at: datetime) -> Iterator[Certificate]:
        return self.each_certificate()

    def issued_since(self, count: int) -> Iterator[Certificate]:
        return iter(self.certificates()[count:])


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, bytes]:
    state = tmp_path_factory.mktemp("alive") / "state"
    found_store(state)
    return state, master_key(state)


def _visit(store: Store, box: Box, now: datetime, revoked: list[int]) -> None:
    """Top up, revoke some, and erase what is past use."""
    with store.transaction():
        for item in box.top_up(POLICY, now):
            issued = make_issued(item.serial)
            fields = {name: getattr(item, name) for name in Certificate.__slots__}
            certificate = Certificate(**fields | {"sha256": issued.certificate.sha256})
            box.issued[int(item.id)] = certificate
            store.add([Issued(certificate=certificate, der=issued.der, key=issued.key)])
        for number in revoked:
            item = box.issued[number % len(box.issued)]
            if item.revoked_at is None:
                box.revoke(number, now)
                store.revoke(item.id, now, "superseded")
        store.erase_keys(store.past_use(now))
        journal.append(store, "visit", {}, now)


def _changes(store: Store, at: datetime) -> object:
    """Return what an archive at a time would say has changed, and keep nothing of it."""
    contents = select_egress(POLICY, "main-kudo", store.certificates(alive_at=at), store.key_ids(), at)
    found: list[object] = []

    def ask() -> None:
        with store.transaction():
            found.append(take_changes(store, POLICY, contents, at))
            raise StoppedError("only asked")

    with pytest.raises(StoppedError):
        ask()
    return found


def _export(store: Store, now: datetime) -> None:
    with store.transaction():
        contents = select_egress(POLICY, "main-kudo", store.certificates(alive_at=now), store.key_ids(), now)
        take_changes(store, POLICY, contents, now)
        keep_seen(store, "egress", "main-kudo")
        journal.append(store, "export", {}, now)


def _sayings(store: Store, policy: Policy, now: datetime) -> dict[str, object]:
    """Return all that is worked out of certificates at a time."""
    alive, keys = store.certificates(alive_at=now), store.key_ids(alive_at=now)
    return {
        "plan": find_gaps(policy, alive, now),
        "coverage": find_coverage(policy, alive, now),
        "next visit": next_visit_by(policy, alive, store.crls(), now),
        "status": make_status(store, policy, now, ""),
        "egress": select_egress(policy, "main-kudo", alive, keys, now),
        "backup": select_backup(policy, "main-backup", alive, keys, now),
        "changes": _changes(store, now),
    }


@settings(max_examples=12)
@given(visits=VISITS)
def test_on_what_is_alive_all_comes_out_as_on_everything(
    empty: tuple[Path, bytes], visits: list[tuple[int, list[int], bool]]
) -> None:
    with TemporaryDirectory() as place:
        state = copy_state(empty[0], Path(place) / "state")
        box, now = Box(), START
        with Store(_open(state, empty[1]), Folder.enter(state), BLOCK_ROWS) as store:
            with store.transaction():
                make_box_key(store)
                journal.append(store, "box-key", {}, now)
            for days, revoked, exported in visits:
                _visit(store, box, now, revoked)
                if exported:
                    _export(store, now)
                now += timedelta(days=days)
            journal.verify(store)
            assert store.certificates() == tuple(box.issued)
            times = [now, now + timedelta(days=90), now - timedelta(days=200)]
            seen = [_sayings(store, POLICY, at) for at in times]
            roots = [item.id for item in box.issued if item.kind == "root"]
            assert store.revoked_by(roots[-2:]) == tuple(
                item for item in box.issued if item.revoked_at and item.issuer in roots[-2:]
            )
        with ReadsAll(_open(state, empty[1]), Folder.enter(state)) as everything:
            assert seen == [_sayings(everything, POLICY, at) for at in times]


def _open(state: Path, key: bytes) -> Database:
    return Database.open(state / "store" / DATABASE, key)


def test_the_life_of_the_test_has_blocks_that_are_over(empty: tuple[Path, bytes], tmp_path: Path) -> None:
    state = copy_state(empty[0], tmp_path / "state")
    box = Box()
    with Store(_open(state, empty[1]), Folder.enter(state), BLOCK_ROWS) as store:
        for visit in range(8):
            _visit(store, box, START + timedelta(days=100 * visit), [])
        now = datetime(2029, 6, 1, tzinfo=UTC)
        store._database.run("UPDATE certificate SET record = x'00' WHERE kind = 'signer' AND number < 10")
        store._forget()  # so that whatever reads those is refused
        assert len(store.certificates(alive_at=now)) < len(box.issued) / 2
