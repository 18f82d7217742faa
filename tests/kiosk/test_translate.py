"""The vault's messages in the kiosk's own words."""

import dataclasses
from datetime import timedelta
from typing import Any

import msgspec

from core.api import results as rs
from kiosk import reports as rp
from kiosk.translate import to_proposal, to_session, to_signers, to_status
from tests.kiosk.live import NOW

WORDS = ("alpha", "beta")
UNLOCKED = rs.Unlocked(
    authority="Example Virtual Worlds",
    sticks={"PISM-ALL": ("top-up",), "PISM-EXPORT": ("export main-kudo",)},
    clock="",
    last_entry_at=NOW,
    next_visit_by=NOW + timedelta(days=60),
    policy_changes=(),
    failed_attempts=0,
)
RECIPIENT = rs.RecipientSummary(kind="egress", name="main-kudo", key="age1...", words=WORDS)


def root(status: str, number: int) -> rs.RootSummary:
    return rs.RootSummary(
        id=f"root-{number}", period=f"202{number}", status=status, sha256="ab" * 32, words=WORDS
    )


def signer(status: str, number: int, path: str = "services/mongo") -> rs.SignerSummary:
    return rs.SignerSummary(id=f"signer-{number}", path=path, lane=number, period="2027.1", status=status)


def report(**fields: Any) -> rs.StatusReport:
    given: dict[str, Any] = {
        "authority": "Example Virtual Worlds",
        "incarnation": "11111111-2222-4333-8444-555555555555",
        "now": NOW,
        "next_visit_by": NOW + timedelta(days=60),
        "covers": (),
        "requests": (),
        "roots": (),
        "signers": (),
        "counts": {},
        "recipients": (RECIPIENT,),
        "archives": (),
        "undrilled": (),
        "journal_sequence": 7,
        "journal_head": "00" * 32,
        "journal_words": WORDS,
        "clock": "",
    }
    return rs.StatusReport(**(given | fields))


def test_a_session_has_the_pinned_table_in_its_order() -> None:
    session = to_session(UNLOCKED)
    assert session.sticks == (("PISM-ALL", ("top-up",)), ("PISM-EXPORT", ("export main-kudo",)))
    assert not session.policy_differs
    assert session.notes == ()


def test_a_session_says_what_waits_and_what_failed() -> None:
    changed = msgspec.structs.replace(UNLOCKED, policy_changes=("spread_days: 30 -> 40",), failed_attempts=3)
    session = to_session(changed)
    assert session.policy_differs
    assert session.notes == ("3 wrong passphrases",)


def test_a_proposal_shows_recipients_and_changes() -> None:
    proposal = rs.PolicyProposal(
        policy_sha256="0" * 64, authority="Worlds", recipients=(RECIPIENT,), changes=("a: 1 -> 2",)
    )
    shown = rp.Proposal(
        recipients=(rp.RecipientRow(use="egress", name="main-kudo", words=WORDS),),
        differences=("a: 1 -> 2",),
        authority="Worlds",
    )
    assert to_proposal(proposal) == shown
    brought = msgspec.structs.replace(proposal, untaken=("kiosk",))
    assert to_proposal(brought, "PISM-CONFIG") == dataclasses.replace(
        shown, source="PISM-CONFIG", untaken=("kiosk",)
    )


def test_cover_is_told_in_whole_days_and_never_below_none() -> None:
    def cover(until: timedelta) -> rs.TargetCoverage:
        return rs.TargetCoverage(
            class_name="services", target="mongo", lanes=2, lowest_lane=1, until=NOW + until, lead_days=92
        )

    rows = to_status(report(covers=(cover(timedelta(days=9, hours=23)), cover(timedelta(days=-3))))).covers
    assert [row.days for row in rows] == [9, 0]
    assert rows[0].path == "services/mongo"


def test_only_roots_that_are_believed_are_shown() -> None:
    states = ("future", "active", "retired", "expired", "revoked")
    shown = to_status(report(roots=tuple(root(state, n) for n, state in enumerate(states)))).roots
    assert [row.period for row in shown] == ["2020", "2021", "2022"]
    assert shown[0].sha256 == "AB" * 32


def test_an_archive_that_never_was_has_number_none() -> None:
    never = rs.ArchiveState(
        kind="backup", name="main-backup", sequence=None, created=None, written=None, drilled=None
    )
    (row,) = to_status(report(archives=(never,))).archives
    assert (row.sequence, row.written, row.drilled) == (0, None, None)


def test_a_backup_that_no_drill_has_proven_in_time_is_due() -> None:
    archives = tuple(
        rs.ArchiveState(kind=kind, name=name, sequence=1, created=NOW, written=NOW, drilled=None)
        for kind, name in (("egress", "both"), ("backup", "both"), ("backup", "proven"))
    )
    shown = to_status(report(archives=archives, undrilled=("both",))).archives
    assert [row.drill_due for row in shown] == [False, True, False]


def test_signers_of_one_target_can_be_picked_unless_revoked() -> None:
    full = report(
        signers=(signer("active", 1), signer("revoked", 2), signer("active", 3, "services/etcd")),
        roots=(root("active", 7), root("revoked", 8)),
    )
    assert to_signers(full, "services", "mongo") == (
        rp.SignerRow(certificate_id="signer-1", title="2027.1 lane 1"),
    )
    assert to_signers(full, "", "") == (rp.SignerRow(certificate_id="root-7", title="root 2027"),)


def test_titles_fit_the_screen() -> None:
    long = rs.SignerSummary(id="x", path="a/b", lane=10_000, period="2025-2029-and-more", status="active")
    (row,) = to_signers(report(signers=(long,)), "a", "b")
    assert len(row.title) == 21
