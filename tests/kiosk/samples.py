"""Samples of every state, each with the view that its screen draws: for goldens and for the machine."""

from dataclasses import dataclass, replace
from datetime import timedelta

from kiosk import states as st
from kiosk.effects import Purpose
from kiosk.entry.buffers import ProposalView
from kiosk.entry.view import EntryView, Mode
from kiosk.reports import Proposal, RequestRow, Result, SignerRow, TestRow
from kiosk.rules.drill import tell_drills
from kiosk.rules.resting import tell_refused
from tests.kiosk.facts import (
    BACKUP,
    BRINGING,
    BROUGHT,
    CHANGES,
    DRILLS,
    FACTORY,
    HALF,
    HERE,
    JOB,
    LATE,
    LOCKED,
    NOW,
    OPEN,
    OPENED,
    OTHER,
    PROPOSAL,
    REPORT,
    REQUESTS,
    RESCUABLE,
    RESCUE,
    RESCUING,
    RESTORED,
    RESULTS,
    SESSION,
    TROUBLE,
    WORDS,
    stick,
    with_sticks,
)

FULL = "The stick has 3 MB free, 12 MB are needed."
WITH_STICK = with_sticks(OPEN, HERE)
BLANK = stick("")
PRIVATE = RequestRow(file="x.csr", code="E-REQUEST-PRIVATE")
REVIEW = st.RequestReview(rows=REQUESTS, steps=JOB, stick=HERE)
SIGNERS = tuple(SignerRow(certificate_id=f"id{n}", title=f"2026.4 lane {n}") for n in range(1, 8))


@dataclass(frozen=True, kw_only=True)
class Sample:
    """A state, and what its screen may draw of secrets."""

    state: st.Screen
    entry: EntryView | None = None
    proposal: ProposalView | None = None


def _entering(view: EntryView, purpose: Purpose = Purpose.UNLOCK, **fields: bool) -> Sample:
    box = FACTORY if purpose in (Purpose.CHOOSE, Purpose.REPEAT, Purpose.DATE) else LOCKED
    return Sample(state=st.Entering(box=box, purpose=purpose, **fields), entry=view)


def _samples() -> dict[str, Sample]:
    """Return every sample under the name of its golden frame."""
    chosen = (("A", "previous word"), ("B", "next word"), ("C", "text"), ("D", "show (hold)"))
    typing = (("A", "ABC"), ("B", "symbols"), ("C", "digits"), ("D", "show (hold)"))
    legend = ("1 .,?!  2 '\"`  3 -_~", "4 ()<>  5 []{}  6 /\\|", "7 +=*   8 :;^   9 @#&", "0 space $ %")
    words = EntryView(mode=Mode.WORDS)
    text = EntryView(mode=Mode.TEXT, layer="abc", choices=typing)
    samples = {
        "boot": st.Boot(box=replace(LOCKED, provisioned=None)),
        "welcome": st.Welcome(box=FACTORY),
        "welcome-stick": st.Welcome(box=with_sticks(FACTORY, BRINGING)),
        "confirm-date": st.ConfirmDate(box=FACTORY, now=NOW),
        "review-setup-first": st.Review(box=FACTORY, proposal=PROPOSAL, setup=True),
        "review-setup-long-name": st.Review(box=FACTORY, proposal=PROPOSAL, page=2, setup=True),
        "review-changes": st.Review(box=OPEN, proposal=CHANGES),
        "review-approve": st.Review(box=OPEN, proposal=CHANGES, page=5),
        "review-same": st.Review(box=OPEN, proposal=PROPOSAL, page=3),
        "review-empty": st.Review(box=OPEN, proposal=Proposal(recipients=())),
        "review-stick": st.Review(box=OPEN, proposal=BROUGHT),
        "review-stick-changes": st.Review(box=OPEN, proposal=BROUGHT, page=1),
        "review-stick-approve": st.Review(box=OPEN, proposal=BROUGHT, page=6),
        "review-stick-setup": st.Review(
            box=FACTORY,
            proposal=replace(PROPOSAL, source="PISM-CONFIG", authority="Worlds", untaken=("kiosk",)),
            setup=True,
        ),
        "choose-passphrase": st.ChoosePassphrase(box=FACTORY),
        "choose-passphrase-change": st.ChoosePassphrase(box=OPEN, change=True),
        "mismatch-proposed": st.Mismatch(box=FACTORY, proposed=True),
        "mismatch-own": st.Mismatch(box=FACTORY, proposed=False),
        "creating-start": st.Creating(box=FACTORY),
        "creating": st.Creating(
            box=FACTORY, progress=replace(HALF, step=1, steps=1, what="root 3 of 6", done=3, total=6)
        ),
        "creating-unknown": st.Creating(box=FACTORY, progress=replace(HALF, done=0, total=0, what="policy")),
        "set-up-done": st.SetUpDone(box=LOCKED),
        "checking": st.Checking(box=LOCKED),
        "checking-change": st.Checking(box=OPEN, change=True),
        "refused-wait": st.Refused(
            box=replace(LOCKED, failed_attempts=3), code="E-PASSPHRASE-WRONG", wait_s=7
        ),
        "refused-wait-at-start": st.Refused(box=LOCKED, code="E-PASSPHRASE-WAIT", wait_s=900, kept=False),
        "refused-correct": st.Refused(
            box=replace(LOCKED, failed_attempts=1), code="E-PASSPHRASE-WRONG", wait_s=0
        ),
        "refused-again": st.Refused(box=LOCKED, code="E-PASSPHRASE-WRONG", wait_s=0, kept=False),
        "locked": st.Locked(box=LOCKED),
        "locked-stuck-key": st.Locked(box=replace(LOCKED, stuck=("5", "#"))),
        "locked-stuck-keys": st.Locked(box=replace(LOCKED, stuck=tuple("0123456789#*"))),
        "welcome-stuck-key": st.Welcome(box=replace(FACTORY, stuck=("#",))),
        "stick-asks-stuck-key": st.StickAsks(box=replace(with_sticks(LOCKED, HERE), stuck=("#", "*"))),
        "locked-attempts": st.Locked(box=replace(LOCKED, failed_attempts=2)),
        "locked-stick-ignored": st.Locked(box=with_sticks(LOCKED, HERE, ignored=HERE.identity)),
        "locked-note": st.Locked(
            box=replace(LOCKED, settings=replace(LOCKED.settings, note="Stick list was bad"))
        ),
        "locked-dim": st.Locked(box=replace(LOCKED, glass=st.Glass.DIM, shift=2)),
        "home": st.Home(box=OPEN),
        "home-notes": st.Home(
            box=replace(OPEN, session=replace(SESSION, policy_differs=True, notes=("3 failed unlocks",)))
        ),
        "stick-asks": st.StickAsks(box=with_sticks(LOCKED, HERE)),
        "stick-asks-unlocked": st.StickAsks(box=with_sticks(OPEN, OTHER)),
        "stick-asks-policy": st.StickAsks(box=with_sticks(LOCKED, BRINGING)),
        "stick-asks-policy-unlocked": st.StickAsks(box=with_sticks(OPEN, BRINGING)),
        "stick-asks-many": st.StickAsks(box=with_sticks(LOCKED, stick("PISM-MANY"))),
        "stick-asks-many-2": st.StickAsks(box=with_sticks(LOCKED, stick("PISM-MANY")), page=1),
        "wrong-stick-label": st.WrongStick(box=with_sticks(LOCKED, stick("HOLIDAYS"))),
        "wrong-stick-exfat": st.WrongStick(box=with_sticks(LOCKED, stick("Über日本", filesystem="exfat"))),
        "wrong-stick-blank": st.WrongStick(
            box=with_sticks(LOCKED, replace(stick("", filesystem=""), size_bytes=524_288_000))
        ),
        "rescue-asks": st.RescueAsks(box=RESCUABLE),
        "rescue-not-empty": st.NotEmpty(box=with_sticks(LOCKED, RESCUE)),
        "rescue-looking": st.Looking(box=RESCUABLE, stick=RESCUE),
        "rescue-taking": st.Looking(box=RESCUABLE, stick=RESCUE, name="backup-a-of-the-company.txt"),
        "rescue-pick": st.PickIdentity(box=RESCUING),
        "rescue-pick-2": st.PickIdentity(box=RESCUING, page=1),
        "rescue-locked": st.IdentityLocked(box=RESCUING, name="id_ed25519"),
        "rescue-checking-key": st.CheckingIdentity(box=RESCUING),
        "rescue-key-refused": st.Refused(
            box=RESCUING, code="E-IDENTITY-LOCKED", wait_s=0, purpose=Purpose.IDENTITY
        ),
        "rescue-reading-start": st.Reading(box=RESCUING),
        "rescue-reading": st.Reading(
            box=RESCUING, progress=replace(HALF, step=1, what="KB", done=812, total=2410, seconds_left=12)
        ),
        "rescue-reading-check": st.Reading(box=RESCUING, progress=replace(HALF, what="key")),
        "rescue-reading-unpack": st.Reading(
            box=RESCUING, progress=replace(HALF, what="unpacking", done=0, total=0, seconds_left=None)
        ),
        "rescue-reading-stopping": st.Reading(box=RESCUING, progress=HALF, stopping=True),
        "rescue-confirm": st.ConfirmRestore(box=RESCUING),
        "rescue-confirm-long-name": st.ConfirmRestore(
            box=replace(RESCUING, rescue=replace(OPENED, backup=replace(BACKUP, authority="Wm" * 32)))
        ),
        "rescue-confirm-which": st.ConfirmRestore(box=RESCUING, page=1),
        "rescue-confirm-words": st.ConfirmRestore(box=RESCUING, page=2),
        "rescue-confirm-last": st.ConfirmRestore(box=RESCUING, page=3),
        "rescue-restoring": st.Restoring(box=RESCUING, progress=replace(HALF, step=3, what="certificate")),
        "rescue-restoring-start": st.Restoring(box=RESCUING),
        **{
            f"rescue-done-{page + 1}": st.Rescued(box=LOCKED, backup=BACKUP, restored=RESTORED, page=page)
            for page in range(8)
        },
        "rescue-done-clock": st.Rescued(
            box=LOCKED, backup=BACKUP, restored=replace(RESTORED, clock_believed=False), page=3
        ),
        "two-sticks": st.TwoSticks(box=with_sticks(LOCKED, HERE, OTHER)),
        "two-sticks-done": st.TwoSticks(
            box=with_sticks(LOCKED, HERE, OTHER, ignored=HERE.identity), results=RESULTS
        ),
        "problem": st.Problem(box=LOCKED, code="E-STICK-FULL", text=FULL),
        "problem-text": st.Problem(box=LOCKED, code="E-STICK-FULL", text=FULL, page=1),
        "problem-bug": st.Problem(box=LOCKED, code="E-BUG", text=""),
        "finished-refused": tell_refused(LOCKED, "QEMU USB Keyboard"),
        "finished": st.Finished(box=OPEN, title="TOP-UP DONE", lines=("226 signed", "Export them soon")),
        "asking": st.Asking(box=OPEN, topic=st.Topic.STATUS),
        "asking-setup": st.Asking(box=FACTORY, topic=st.Topic.SETUP_POLICY),
        "asking-stick": st.Asking(box=with_sticks(OPEN, BRINGING), topic=st.Topic.STICK_POLICY),
        "asking-act": st.Asking(box=OPEN, topic=st.Topic.REVOKE),
        "warned": st.Warned(box=OPEN, under=st.Home(box=OPEN), left_s=10),
        "working-start": st.Working(box=WITH_STICK, steps=JOB, stick=HERE),
        "working": st.Working(box=WITH_STICK, steps=JOB, stick=HERE, progress=HALF),
        "working-seconds": st.Working(
            box=WITH_STICK,
            steps=JOB,
            stick=HERE,
            progress=replace(HALF, done=226, seconds_left=0),
        ),
        "working-phrase": st.Working(
            box=WITH_STICK,
            steps=JOB,
            stick=HERE,
            progress=replace(HALF, done=0, total=0, what="reading back", seconds_left=None),
        ),
        "working-stopping": st.Working(
            box=OPEN, steps=("top-up",), progress=replace(HALF, step=1, steps=1), stopping=True
        ),
        "request-asked": st.RequestAsked(box=WITH_STICK, review=REVIEW),
        "request-asked-long": st.RequestAsked(box=WITH_STICK, review=replace(REVIEW, index=1)),
        "request-key": st.RequestKey(box=WITH_STICK, review=REVIEW),
        "request-refused": st.RequestRefused(box=WITH_STICK, review=replace(REVIEW, index=2)),
        "request-refused-private": st.RequestRefused(
            box=WITH_STICK,
            review=replace(REVIEW, rows=(PRIVATE,) * 100, index=99),
        ),
        "safe-to-remove-requests": st.SafeToRemove(
            box=with_sticks(LOCKED, HERE),
            results=(Result(step="top-up", issued=3, requested=2, late_roots=1),),
        ),
        "pulled-early": st.PulledEarly(box=OPEN, steps=JOB, stick=HERE),
        "pulled-early-OTHER": st.PulledEarly(box=with_sticks(OPEN, OTHER), steps=JOB, stick=HERE),
        "safe-to-remove": st.SafeToRemove(box=with_sticks(LOCKED, HERE), results=RESULTS),
        "safe-to-remove-2": st.SafeToRemove(box=with_sticks(LOCKED, HERE), results=RESULTS, page=1),
        "safe-to-remove-short": st.SafeToRemove(box=with_sticks(LOCKED, HERE), results=RESULTS[:2]),
        "pick-label": st.PickLabel(box=with_sticks(LOCKED, BLANK), stick=BLANK),
        "confirm-format": st.ConfirmFormat(box=with_sticks(LOCKED, BLANK), stick=BLANK, label="PISM-ALL"),
        "formatting": st.Formatting(box=with_sticks(LOCKED, BLANK), stick=BLANK, label="PISM-ALL"),
        "menu": st.Menu(box=OPEN),
        "menu-2": st.Menu(box=OPEN, page=1),
        "menu-3": st.Menu(box=OPEN, page=2),
        "menu-4": st.Menu(box=OPEN, page=3),
        "menu-locked": st.Menu(box=LOCKED),
        "status": st.Status(box=OPEN),
        "status-overdue": st.Status(
            box=replace(OPEN, report=replace(REPORT, next_visit_by=NOW - timedelta(days=3)))
        ),
        "status-empty": st.Status(box=replace(OPEN, report=None)),
        "status-cover": st.Status(box=OPEN, page=1),
        "status-cover-2": st.Status(box=OPEN, page=2),
        "status-egress": st.Status(box=OPEN, page=3),
        "status-backup": st.Status(box=OPEN, page=4),
        "status-backup-due": st.Status(
            box=replace(
                OPEN,
                report=replace(
                    REPORT,
                    archives=(*REPORT.archives[:1], replace(REPORT.archives[1], drill_due=True)),
                ),
            ),
            page=4,
        ),
        "status-backup-never": st.Status(box=OPEN, page=5),
        "recipients": st.Recipients(box=OPEN),
        "recipients-none": st.Recipients(box=replace(OPEN, report=None)),
        "roots": st.Roots(box=OPEN),
        "roots-words": st.Roots(box=OPEN, page=1),
        "roots-words-2": st.Roots(box=OPEN, page=2),
        "roots-qr": st.Roots(box=OPEN, index=1, page=3),
        "roots-none": st.Roots(box=replace(OPEN, report=None)),
        "journal": st.JournalHead(box=OPEN),
        "journal-2": st.JournalHead(box=OPEN, page=1),
        "journal-none": st.JournalHead(box=replace(OPEN, report=None)),
        "pick-target": st.PickTarget(box=OPEN),
        "pick-signer": st.PickSigner(
            box=OPEN,
            path="infrastructure/avatars",
            signers=SIGNERS,
        ),
        "pick-signer-none": st.PickSigner(box=OPEN, path="services/mongo", signers=()),
        "confirm-revoke": st.ConfirmRevoke(
            box=OPEN,
            path="infrastructure/avatars",
            signer=SignerRow(certificate_id="id1", title="2026.4 lane 17"),
        ),
        "drill-menu": st.DrillMenu(box=OPEN, stick=HERE),
        "drill-menu-unnamed": st.DrillMenu(box=OPEN, stick=BLANK),
        "drill-checking": st.DrillChecking(box=OPEN),
        "drill-wrong": st.DrillWrong(box=OPEN, wrong=1),
        "drill-wrong-again": st.DrillWrong(box=OPEN, wrong=3),
        "drill-recorded": tell_drills(OPEN, DRILLS),
        "clock": st.ClockPage(box=OPEN, now=NOW),
        "clock-is-wrong": st.ClockIsWrong(box=replace(OPEN, clock=TROUBLE)),
        "clock-is-wrong-gone": st.ClockIsWrong(box=OPEN),
        "signed-ahead": st.SignedAhead(box=OPEN, late=LATE),
        "signed-ahead-2": st.SignedAhead(box=OPEN, late=LATE, page=1),
        "signed-ahead-3": st.SignedAhead(box=OPEN, late=LATE, page=2),
        "confirm-clock": st.ConfirmClock(box=OPEN, date=NOW),
        "test-keys": st.TestKeys(box=OPEN, seen="147A*5"),
        "test-pixels-lit": st.TestPixels(box=OPEN),
        "test-pixels-dark": st.TestPixels(box=OPEN, pattern=1),
        "test-pixels-board": st.TestPixels(box=OPEN, pattern=2),
        "test-pixels-opposite": st.TestPixels(box=OPEN, pattern=3),
        "test-findings": st.TestFindings(
            box=OPEN,
            rows=(TestRow(name="random", good=True), TestRow(name="clock", good=True, finding="15:34")),
        ),
        "test-findings-fault": st.TestFindings(
            box=OPEN, rows=tuple(TestRow(name=f"part {n}", good=n != 2) for n in range(1, 6))
        ),
        "power-menu": st.PowerMenu(box=OPEN),
        "ending": st.Ending(box=OPEN, restart=False),
        "ending-restart": st.Ending(box=OPEN, restart=True),
        "off": st.Off(box=LOCKED, restart=False),
        "off-down": st.Off(box=LOCKED, restart=False, is_down=True),
        "off-restart": st.Off(box=LOCKED, restart=True),
    }
    found = {name: Sample(state=state) for name, state in samples.items()}
    found |= {
        "proposed-words": Sample(state=st.ProposedWords(box=FACTORY), proposal=ProposalView(WORDS)),
        "proposed-words-2": Sample(state=st.ProposedWords(box=FACTORY, page=1), proposal=ProposalView(WORDS)),
        "proposed-words-missing": Sample(state=st.ProposedWords(box=FACTORY)),
        "entry-words-start": _entering(replace(words, choices=chosen[2:])),
        "entry-words-stuck-key": Sample(
            state=st.Entering(box=replace(LOCKED, stuck=("3",)), purpose=Purpose.UNLOCK),
            entry=replace(words, position=3, count=2, typed="22", line="** 22_", length=14),
        ),
        "entry-words-stuck-keys": Sample(
            state=st.Entering(box=replace(LOCKED, stuck=tuple("0123456789")), purpose=Purpose.UNLOCK),
            entry=replace(words, choices=chosen[2:]),
        ),
        "entry-words-typing": _entering(
            replace(words, position=3, count=2, typed="22", line="** 22_", length=14)
        ),
        "entry-words-candidates": _entering(
            replace(
                words,
                position=3,
                count=2,
                typed="2283",
                line="** 2283_",
                candidates=("acid", "acoustic", "abstract", "absurd"),
                length=14,
            ),
            Purpose.REPEAT,
            proposed=True,
        ),
        "entry-words-of-8": _entering(
            replace(words, position=8, count=7, total=8, typed="2", line="******* 2_", length=50),
            Purpose.REPEAT,
            proposed=True,
        ),
        "entry-words-earlier": _entering(
            replace(words, position=2, count=3, line="* _ **", length=20, choices=chosen, complete=True)
        ),
        "entry-words-complete": _entering(
            replace(words, position=9, count=8, line="******** _", length=58, choices=chosen, complete=True)
        ),
        "entry-words-shown": _entering(replace(words, count=8, shown=" ".join(WORDS), length=58)),
        "entry-text": _entering(replace(text, line="****r_", length=5, complete=True)),
        "entry-text-weak": _entering(
            replace(text, line="****r_", length=5, complete=True, bits=21), Purpose.CHOOSE
        ),
        "entry-text-fair": _entering(
            replace(text, line="*" * 30 + "_", length=30, complete=True, bits=71), Purpose.CHOOSE
        ),
        "entry-text-strong": _entering(
            replace(text, line="*" * 30 + "_", length=30, complete=True, bits=112), Purpose.CHOOSE
        ),
        "entry-text-symbols": _entering(replace(text, layer="!?#", legend=legend, line="****!_", length=5)),
        "entry-text-full": _entering(
            replace(text, line="*" * 128 + "_", length=128, full=True, complete=True)
        ),
        "entry-text-shown-long": _entering(replace(text, shown="Wm" * 64, length=128, full=True)),
        "entry-date": _entering(
            EntryView(mode=Mode.DIGITS, layer="123", line="20261123_", length=8, complete=True),
            Purpose.DATE,
            setup=True,
        ),
        "entry-drill": _entering(replace(words, total=6, choices=(("D", "show (hold)"),)), Purpose.DRILL),
        "entry-key": _entering(replace(words, choices=chosen[2:]), Purpose.IDENTITY),
        "entry-digits": _entering(
            EntryView(mode=Mode.DIGITS, layer="123", line="***7_", length=4, complete=True)
        ),
        "entry-missing": Sample(state=st.Entering(box=LOCKED, purpose=Purpose.UNLOCK)),
    }
    return found


SAMPLES = _samples()
