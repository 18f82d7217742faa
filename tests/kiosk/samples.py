"""A sample of every page, under the name of its golden frame, with the view that it is drawn with."""

from collections.abc import Generator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from msgspec.structs import replace as change
from PIL import Image

from core.api.results import PolicyProposal
from core.progress import Progress
from hw.errors import LandlockError
from hw.ports import Condition
from hw.system.emulated import HELD
from kiosk.daemon.last_light import IS_DOWN
from kiosk.entry.buffers import SEAL_LEGEND, ProposalView, Purpose
from kiosk.entry.date import DateEntry
from kiosk.entry.number import NumberEntry
from kiosk.entry.view import EntryView, Mode
from kiosk.flows import (
    clock,
    diagnosis,
    dialogs,
    drill,
    format,  # noqa: A004  the flow's own name
    last_visit,
    menu,
    passphrase,
    policy,
    power,
    probation,
    recipients,
    recognition,
    requests,
    rescue,
    resting,
    revoke,
    seal,
    self_test,
    setup,
    status,
    stick_job,
    this_box,
    unlock,
)
from kiosk.flows.box import Box
from kiosk.flows.flow import Ask, Entry, GaveUp, Refused, Typed, Work
from kiosk.flows.top_up import TOP_UP
from kiosk.machine.auto_lock import locks_in
from kiosk.screens.drawing import draw
from kiosk.screens.page import PATTERNS, Shown
from kiosk.work.guards import judge_guards
from kiosk.work.health import Finding, judge
from kiosk.work.worker import VaultReady
from tests.kiosk.facts import (
    BACKUP,
    BRINGING,
    BROUGHT,
    CHANGES,
    DRILLED_STICK,
    DRILLS,
    FOUND,
    HALF,
    HERE,
    JOB,
    KEYS_ON_IT,
    LATE,
    MUCH,
    NOW,
    OTHER,
    PROPOSAL,
    RAN_BEFORE,
    REPORT,
    REQUESTS,
    RESCUE,
    RESTORED,
    RESULTS,
    SESSION,
    SMALL,
    TROUBLE,
    WORDS,
    box,
    parted,
    recipient,
    request,
    stick,
    visited,
)

FULL = "The stick has 3 MB free, 12 MB are needed."
FEW = "the stick's FAT32 has 9596 clusters; 65525 are the least"
BLANK = stick("")


@dataclass(frozen=True, kw_only=True)
class Sample:
    """A page, and what it is drawn with."""

    page: Shown
    entry: EntryView | None = None
    proposal: ProposalView | None = None
    stuck: tuple[str, ...] = ()
    shift: int | None = None

    def draw(self, stuck: tuple[str, ...] | None = None) -> Image.Image:
        """Return its picture, with its own stuck keys or others."""
        keys = self.stuck if stuck is None else stuck
        return draw(self.page, self.entry, self.proposal, stuck=keys, shift=self.shift, now=NOW)


def shown(flow: Generator[Any, Any, Any], *sent: Any) -> Shown:
    """Return the page that a flow shows when it was sent all that."""
    yielded = next(flow)
    for one in sent:
        yielded = flow.throw(one) if isinstance(one, Exception) else flow.send(one)
    return yielded.waiting if isinstance(yielded, Ask) else yielded


def _unlocked(**fields: Any) -> Shown:
    known = box(unlocked=True)
    known.session = change(SESSION, **fields)
    return shown(resting.rest(known))


def _locked(**fields: Any) -> Shown:
    known = box()
    for name, value in fields.items():
        setattr(known, name, value)
    return shown(resting.rest(known))


def _wrong(**fields: Any) -> Shown:
    """Return the page after a wrong passphrase."""
    refused = Refused("E-PASSPHRASE-WRONG", **fields)
    return shown(unlock.unlock(box()), Typed(), refused)


def _clock_wrong() -> Shown:
    known = box(unlocked=True)
    known.clock = TROUBLE
    return shown(resting.rest(known))


def _working(**fields: Any) -> Work:
    return replace(stick_job.working(JOB, to_stick=True), **fields)


def _wait_at_start(wait_s: int) -> Shown:
    return shown(resting.rest(box(provisioned=None)), VaultReady(provisioned=True, wait_s=wait_s))


AVATAR = revoke.list_revocable(REPORT, "infrastructure/avatars")[4]
LONG_NAME = ("infrastructure-of-london", "avatars-frankfurt-north1")
LONG_KEY = change(
    PROPOSAL,
    recipients=(recipient("backup", LONG_NAME[0], "keys/2026/avatars-frankfurt-north1.pub", is_new=True),),
)
MANY_KEYS = change(
    PROPOSAL, recipients=tuple(recipient("egress", f"server-{at}") for at in range(12)), new_names=()
)
ALIKE = change(
    PROPOSAL,
    names=("services/world1-frankfurt-north", "services/world2-frankfurt-north"),
    new_names=("services/world2-frankfurt-north",),
)
CIPHER = (
    "The identity is encrypted with chacha20-poly1305@openssh.com, which cannot be read here. Make a copy"
    " on a PC: cp KEY COPY; ssh-keygen -p -Z aes256-ctr -f COPY"
)


CHANGED = replace(FOUND, ran_before=RAN_BEFORE)
SEALED = replace(FOUND, seal="004711")
ON_CARD = replace(FOUND, system_words=FOUND.words[:8])
BAD = replace(CHANGED, faults=("Power supply is weak", "Clock cell is empty", "Card has errors"))


def _remembering() -> Box:
    known = box(unlocked=True)
    known.session = change(SESSION, ran_before=RAN_BEFORE)
    known.inspected = FOUND
    return known


def _wrong_by_seconds() -> Shown:
    known = box(unlocked=True)
    known.clock = replace(TROUBLE, now=TROUBLE.last - timedelta(seconds=40))
    return clock.wrong_page(known)


def _pages() -> dict[str, Shown]:
    """Return every page that is drawn from itself alone."""
    confirm = rescue.confirm_pages(BACKUP)
    done = rescue.done_pages(BACKUP, RESTORED)
    own = policy.review_pages(CHANGES, "", "#hold: approve")
    brought = policy.review_pages(BROUGHT, "PISM-CONFIG", "#hold: approve")
    statuses = status.status_pages(REPORT)
    overdue = change(REPORT, next_visit_by=NOW - timedelta(days=3))
    empty = PolicyProposal(policy_sha256="", authority="", recipients=(), changes=())
    menus = menu.all_items()
    locked_menu = tuple(item for item in menus if item.while_locked)
    late = clock.late_pages(LATE)
    revoking = revoke.confirm_pages("infrastructure/avatars", AVATAR, "keyCompromise")
    two = box(HERE, OTHER, ignored=HERE.identity)
    return {
        "boot": shown(resting.rest(box(provisioned=None))),
        "boot-card": resting.starting(replace(box(provisioned=None), inspected=ON_CARD)),
        "welcome": setup.welcome(box(provisioned=False)),
        "welcome-stick": setup.welcome(box(BRINGING, provisioned=False)),
        "confirm-date": setup.date_page(NOW),
        "confirm-date-behind": setup.behind_page(datetime(1970, 1, 1, 0, 12, tzinfo=UTC)),
        "review-setup-first": policy.review_pages(PROPOSAL, "", "")[0],
        "review-setup-long-name": policy.review_pages(LONG_KEY, "", "")[0],
        "review-setup-long-name-words": policy.review_pages(LONG_KEY, "", "")[1],
        "review-changes": own[0],
        "review-new-key": own[2],
        "review-new-key-words": own[3],
        "review-new-key-words-2": own[4],
        "review-approve": own[5],
        "review-key-as-before": shown(policy.review_own(box(unlocked=True)), CHANGES, *"#####D"),
        "review-many-as-before": policy.review_pages(MANY_KEYS, "", "#hold: approve")[0],
        "review-look-alike": policy.review_pages(ALIKE, "", "")[0],
        "review-same": shown(policy.review_own(box(unlocked=True)), PROPOSAL),
        "review-empty": policy.review_pages(empty, "", "#done")[0],
        "review-stick": brought[0],
        "review-stick-untaken": brought[1],
        "review-stick-changes": brought[2],
        "review-stick-approve": brought[7],
        "review-stick-setup": policy.review_pages(
            change(PROPOSAL, authority="Worlds", untaken=("kiosk",)), "PISM-CONFIG", ""
        )[0],
        "choose-passphrase": passphrase.choice("PASSPHRASE"),
        "choose-passphrase-change": passphrase.choice("NEW PASSPHRASE"),
        "mismatch-own": passphrase.not_the_same(),
        "creating-start": setup.MAKING,
        "creating": replace(setup.MAKING, progress=change(HALF, what="root 3 of 6", done=3, total=6)),
        "creating-unknown": replace(setup.MAKING, progress=change(HALF, what="policy", done=0, total=0)),
        "set-up-done": setup.DONE,
        "checking": unlock.CHECKING,
        "probation": probation.question(1, recipients.key_pages(CHANGES.recipients[-1:]))[0],
        "probation-yes": probation.question(1, recipients.key_pages(CHANGES.recipients[-1:]))[-1],
        "probation-waits": recipients.key_pages([change(CHANGES.recipients[-1], waits=True)])[0],
        "recognition-looking": recognition.LOOKING,
        "recognition": recognition.question(("absolute", "zebra")),
        "recognition-note": recognition.note(("absolute", "mountain")),
        "checking-change": passphrase.CHANGING,
        "refused-wait": _wrong(wait_s=7, failed_attempts=3),
        "refused-wait-at-start": _wait_at_start(900),
        "refused-correct": _wrong(failed_attempts=1),
        "locked": _locked(),
        "locked-attempts": _locked(failed_attempts=2),
        "locked-stick-ignored": shown(resting.rest(box(HERE, ignored=HERE.identity))),
        "locked-note": _locked(settings=replace(box().settings, note="Stick list was bad")),
        "locked-changed": _locked(inspected=CHANGED),
        "locked-seal": _locked(inspected=SEALED),
        "locked-seal-and-more": _locked(inspected=replace(SEALED, faults=BAD.faults[1:2])),
        "seal-noting": seal.NOTING,
        "seal-noted": seal.noted_page("004711"),
        "seal-noted-long": seal.noted_page("9" * 12),
        "seal-not-as-before": this_box.seal_page("004711"),
        "locked-many": _locked(inspected=BAD, failed_attempts=2),
        "home": _unlocked(),
        "home-stick-left": shown(resting.rest(box(HERE, unlocked=True, ignored=HERE.identity))),
        "home-notes": _unlocked(policy_changes=("spread_days: 30 -> 40",), failed_attempts=3),
        "stick-asks": shown(resting.rest(box(HERE))),
        "stick-asks-unlocked": shown(resting.rest(box(OTHER, unlocked=True))),
        "stick-asks-policy": shown(resting.rest(box(BRINGING))),
        "stick-asks-policy-unlocked": shown(resting.rest(box(BRINGING, unlocked=True))),
        "stick-asks-drill": shown(resting.rest(box(DRILLED_STICK))),
        "stick-asks-many": shown(resting.rest(box(stick("PISM-MANY")))),
        "stick-asks-many-2": shown(resting.rest(box(stick("PISM-MANY"))), GaveUp("D")),
        "stick-locked": shown(resting.rest(box(replace(OTHER, read_only=True)))),
        "stick-small": shown(resting.rest(box(HERE)), SMALL),
        "wrong-stick-label": shown(resting.rest(box(stick("HOLIDAYS")))),
        "wrong-stick-exfat": shown(resting.rest(box(stick("Über日本", filesystem="exfat")))),
        "wrong-stick-reserved": shown(resting.rest(box(stick("PISM-DRILL", filesystem="exfat")))),
        "wrong-stick-blank": shown(
            resting.rest(box(replace(stick("", filesystem=""), size_bytes=524_288_000)))
        ),
        "stick-parts": shown(resting.rest(box(parted("PHOTOS", "")))),
        "stick-parts-many": shown(resting.rest(box(parted("PISM-ALL", "PISM-EXPORT", "MUSIC")))),
        "rescue-asks": shown(resting.rest(box(RESCUE, provisioned=False))),
        "rescue-not-empty": shown(resting.rest(box(RESCUE))),
        "rescue-looking": rescue.looking(""),
        "rescue-taking": rescue.looking("backup-a-of-the-company.txt"),
        "rescue-pick": shown(rescue._pick_identity(KEYS_ON_IT)),
        "rescue-pick-2": shown(rescue._pick_identity(KEYS_ON_IT), "D"),
        "rescue-locked": rescue.locked_page("id_ed25519"),
        "rescue-checking-key": rescue.OPENING_KEY,
        "rescue-key-refused": shown(
            rescue._open_identity("id_ed25519"), "#", Typed(), Refused("E-IDENTITY-LOCKED")
        ),
        "rescue-reading-start": rescue.READING,
        "rescue-reading": replace(
            rescue.READING,
            step=1,
            progress=change(HALF, what="reading 2.4 MB", done=812_000, total=2_410_000, counted=False),
            seconds_left=12,
        ),
        "rescue-reading-check": replace(
            rescue.READING, step=2, progress=change(HALF, what="key"), seconds_left=240
        ),
        "rescue-reading-unpack": replace(
            rescue.READING, step=2, progress=change(HALF, what="unpacking", done=0, total=0)
        ),
        "rescue-reading-stopping": replace(rescue.READING, step=2, progress=HALF, stopping=True),
        "rescue-confirm": confirm[0],
        "rescue-confirm-long-name": rescue.confirm_pages(change(BACKUP, authority="Wm" * 32))[0],
        "rescue-confirm-which": confirm[1],
        "rescue-confirm-words": confirm[2],
        "rescue-confirm-last": confirm[3],
        "rescue-confirm-format-1": rescue.confirm_pages(change(BACKUP, box_words=()))[2],
        "rescue-restoring": replace(
            rescue.RESTORING, step=3, progress=change(HALF, what="certificate"), seconds_left=240
        ),
        "rescue-restoring-start": rescue.RESTORING,
        **{f"rescue-done-{number}": page for number, page in enumerate(done, 1)},
        "rescue-done-clock": rescue.done_pages(BACKUP, change(RESTORED, clock_believed=False))[1],
        "two-sticks": shown(resting.rest(box(HERE, OTHER))),
        "two-sticks-done": shown(last_visit.show_result(two, HERE, RESULTS)),
        "problem": dialogs.problem_page("E-STICK-FULL", FULL),
        "rescue-key-cipher": dialogs.problem_page("E-IDENTITY-CIPHER", CIPHER),
        "rescue-key-cipher-2": dialogs.problem_page("E-IDENTITY-CIPHER", CIPHER, 1),
        "rescue-key-cipher-3": dialogs.problem_page("E-IDENTITY-CIPHER", CIPHER, 2),
        "problem-code": dialogs.problem_code("E-STICK-FULL"),
        "problem-text": dialogs.problem_page("E-STICK-FULL", FULL, 1),
        "stick-format": shown(format.unusable_stick(box(HERE), HERE, Refused("E-STICK-FORMAT", FEW))),
        "problem-format": dialogs.problem_page("E-STICK-FORMAT", FEW, 0),
        "problem-format-text": dialogs.problem_page("E-STICK-FORMAT", FEW, 1),
        "problem-bug": diagnosis.fault_page("E-BUG", ""),
        "problem-vault": diagnosis.fault_page("E-VAULT", "it ended by itself"),
        "diagnosis-none": diagnosis.stick_page(None, 0),
        "diagnosis-other": diagnosis.stick_page(None, 1),
        "diagnosis-two": diagnosis.stick_page(None, 2),
        "diagnosis-stick": diagnosis.stick_page(HERE, 1),
        "diagnosis-writing": diagnosis.WRITING,
        "diagnosis-written": diagnosis.written_page("pism-diagnosis-20261123T153400Z.txt"),
        "finished-refused": shown(
            dialogs.tell("NOT LET IN", "QEMU USB Keyboard", "It was refused: only", "sticks may go in.")
        ),
        "finished": shown(dialogs.tell("TOP-UP DONE", "226 signed", "Export them soon")),
        "asking": shown(status.status(box(unlocked=True))),
        "asking-setup": policy.READING_FILE,
        "asking-stick": policy.READING_STICK,
        "asking-act": clock.REVOKING,
        "warned": locks_in(10),
        "working-start": _working(),
        "working": _working(step=2, progress=HALF, seconds_left=240),
        "working-seconds": _working(step=2, progress=change(HALF, done=226), seconds_left=0),
        "working-phrase": _working(step=2, progress=change(HALF, done=0, total=0, what="reading back")),
        "working-writing": _working(
            step=2,
            progress=Progress(
                done=3_000_000,
                total=3_100_000,
                what="reading back 3.1 MB",
                counted=False,
                work_done=230,
                work_total=1000,
            ),
            seconds_left=8,
        ),
        "working-stopping": replace(
            stick_job.working(TOP_UP, to_stick=False), step=1, progress=HALF, stopping=True
        ),
        "request-asked": requests.asked_page(REQUESTS[0], "1/3"),
        "request-asked-long": requests.asked_page(REQUESTS[1], "2/3"),
        "request-key": requests.key_page(REQUESTS[0], "1/3"),
        "request-refused": requests.refused_page(REQUESTS[2], "3/3"),
        "request-refused-private": requests.refused_page(
            request("x.csr", code="E-REQUEST-PRIVATE"), "100/100"
        ),
        "request-late": requests.refused_page(request("services.gates.2.csr", code="E-REQUEST-LATE"), "1/1"),
        "request-misplaced": requests.refused_page(request("gate.csr", code="E-REQUEST-PLACE"), "1/2"),
        "request-misnamed": requests.refused_page(
            request("services.gates.csr.txt", code="E-REQUEST-NAME"), "2/2"
        ),
        "pulled-early": shown(stick_job.wait_for_stick(box(unlocked=True), HERE)),
        "pulled-early-OTHER": shown(stick_job.wait_for_stick(box(OTHER, unlocked=True), HERE)),
        "safe-to-remove": shown(last_visit.show_result(box(HERE), HERE, RESULTS)),
        **{
            f"safe-to-remove-{number}": shown(
                last_visit.show_result(box(HERE), HERE, RESULTS), *"D" * (number - 1)
            )
            for number in (2, 3, 4, 5)
        },
        "safe-to-remove-late": shown(last_visit.show_result(box(HERE), HERE, MUCH)),
        "safe-to-remove-long-name": shown(last_visit.show_result(box(HERE), HERE, MUCH), "D"),
        "stick-is-out": shown(last_visit.show_result(box(), HERE, RESULTS)),
        "stick-is-out-unlocked": shown(last_visit.show_result(box(unlocked=True), HERE, MUCH)),
        "last-visit": shown(last_visit.last_visit(visited(RESULTS))),
        "last-visit-none": shown(last_visit.last_visit(box())),
        "pick-label": shown(resting.rest(box(stick("HOLIDAYS"))), "A"),
        "confirm-format": format.confirm(BLANK, "PISM-ALL"),
        "confirm-format-parts": format.confirm(parted("PHOTOS", ""), "PISM-ALL"),
        "formatting": format.erasing("PISM-ALL"),
        **{f"menu{'' if at == 0 else f'-{at + 1}'}": menu.menu_page(menus, at) for at in range(5)},
        "menu-locked": menu.menu_page(locked_menu, 0),
        **{f"this-box-{number}": page for number, page in enumerate(this_box.box_pages(BAD), 1)},
        "this-box-system": this_box.box_pages(ON_CARD)[4],
        "this-box-not-as-before": shown(this_box.tell_changes(_remembering())),
        "status": statuses[0],
        "status-overdue": status.status_pages(overdue)[0],
        "status-cover": statuses[1],
        "status-cover-2": statuses[2],
        "status-egress": statuses[3],
        "status-backup": statuses[4],
        "status-backup-due": status.status_pages(
            change(REPORT, archives=REPORT.archives[:2], undrilled=("main-backup",))
        )[4],
        "status-backup-never": statuses[5],
        "recipients": shown(recipients.recipients(box(unlocked=True)), REPORT),
        "recipients-words": shown(recipients.recipients(box(unlocked=True)), REPORT, "#"),
        "recipients-none": shown(recipients.recipients(box(unlocked=True)), change(REPORT, recipients=())),
        "roots": status.root_page(REPORT.roots[0], 0, "1/2"),
        "roots-words": status.root_page(REPORT.roots[0], 1, "1/2"),
        "roots-words-2": status.root_page(REPORT.roots[0], 2, "1/2"),
        "roots-qr": status.root_page(REPORT.roots[1], 3, "2/2"),
        "box-words": status.box_page(REPORT.box, 0),
        "box-words-2": status.box_page(REPORT.box, 1),
        "journal": status.journal_pages(REPORT)[0],
        "journal-2": status.journal_pages(REPORT)[1],
        "journal-qr": status.journal_pages(REPORT)[2],
        "journal-visit-qr": status.journal_pages(REPORT)[3],
        "pick-target": shown(revoke.revoke(box(unlocked=True)), REPORT),
        "pick-root": shown(revoke.revoke(box(unlocked=True)), REPORT, "A"),
        "pick-signer": shown(revoke.revoke(box(unlocked=True)), REPORT, "C"),
        "pick-signer-none": revoke.nothing_to_revoke("services/mongo"),
        "pick-lane-typed": shown(revoke.revoke(box(unlocked=True)), REPORT, "C", "4"),
        "pick-lane-none": shown(revoke.revoke(box(unlocked=True)), REPORT, "C", "4", "2"),
        "revoke-why": revoke.REASONS_PAGE,
        "confirm-revoke": revoking[0],
        "confirm-revoke-2": revoking[1],
        "confirm-revoke-long-name": revoke.confirm_pages(
            f"{LONG_NAME[0]}/{LONG_NAME[1]}", AVATAR, "unspecified"
        )[0],
        "confirm-revoke-root": revoke.confirm_pages(
            "roots", revoke.list_revocable(REPORT, "roots")[0], "superseded"
        )[0],
        "revoked": revoke.REVOKED,
        "drill-menu": drill.choice(HERE.label),
        "drill-menu-unnamed": drill.choice(""),
        "drill-checking": drill.LOOKING,
        "drill-wrong": drill.wrong_words(1),
        "drill-wrong-again": drill.wrong_words(3),
        "drill-recorded": shown(drill.tell_drills(DRILLS)),
        "clock": clock.time_page(NOW),
        "clock-is-wrong-by-seconds": _wrong_by_seconds(),
        "clock-is-wrong": _clock_wrong(),
        "clock-is-late": clock.late_page(NOW),
        "signed-ahead": late[0],
        "signed-ahead-2": late[1],
        "signed-ahead-3": late[2],
        "dates-differ": clock.differing("202611231534", "202611231535"),
        "confirm-clock": clock.confirm(NOW),
        "test-keys": self_test.keys_page("147A*5"),
        **{
            f"test-pixels-{'board' if pattern == 'chess' else pattern}": page
            for pattern, page in zip(PATTERNS, map(self_test.pixels_page, PATTERNS), strict=True)
        },
        "test-findings": self_test.findings_page(
            (Finding(name="random", good=True), Finding(name="clock", good=True, text="15:34")), 0
        ),
        "test-findings-fault": self_test.findings_page(
            tuple(Finding(name=f"part {n}", good=n != 2) for n in range(1, 6)), 0
        ),
        "test-findings-silent": self_test.findings_page(judge(Condition()), 0),
        "test-guards": self_test.findings_page(judge_guards(HELD), 0),
        "test-guards-2": self_test.findings_page(judge_guards(HELD), 1),
        "test-guards-missing": self_test.findings_page(judge_guards(replace(HELD, landlock=0)), 0),
        "unguarded": dialogs.problem_page(
            LandlockError.code, "the kernel has no Landlock, or it does not hold"
        ),
        "power-menu": power.CHOICE,
        "ending": power.ENDING[False],
        "ending-restart": power.ENDING[True],
        "off": power.GOING_OFF,
        "off-down": IS_DOWN,
        "off-restart": power.RESTARTING,
    }


def _entering(view: EntryView, purpose: Purpose = Purpose.UNLOCK) -> Sample:
    return Sample(page=Entry(purpose=purpose), entry=view)


def _dating(keys: str, purpose: Purpose = Purpose.DATE) -> Sample:
    entry = DateEntry()
    for key in keys:
        entry.press(key, 0.0)
    return _entering(entry.view(0.0), purpose)


def _sealing(keys: str) -> Sample:
    entry = NumberEntry(SEAL_LEGEND)
    for key in keys:
        entry.press(key, 0.0)
    return _entering(entry.view(0.0), Purpose.SEAL)


def _samples() -> dict[str, Sample]:
    """Return every sample under the name of its golden frame."""
    chosen = (("A", "before"), ("B", "after"), ("C", "text"), ("D", "hold see"))
    typing = (("A", "ABC"), ("B", "symbols"), ("C", "digits"), ("D", "hold see"))
    legend = ("1 .,?!  2 '\"`  3 -_~", "4 ()<>  5 []{}  6 /\\|", "7 +=*   8 :;^   9 @#&", "0 space $ %")
    words = EntryView(mode=Mode.WORDS)
    text = EntryView(mode=Mode.TEXT, layer="abc", choices=typing)
    pages = _pages()
    return {name: Sample(page=page) for name, page in pages.items()} | {
        "locked-stuck-key": Sample(page=pages["locked"], stuck=("5", "#")),
        "locked-stuck-keys": Sample(page=pages["locked"], stuck=tuple("0123456789#*")),
        "locked-dim": Sample(page=pages["locked"], shift=2),
        "welcome-stuck-key": Sample(page=pages["welcome"], stuck=("#",)),
        "stick-asks-stuck-key": Sample(page=pages["stick-asks"], stuck=("#", "*")),
        "choose-passphrase-again": Sample(page=passphrase.choice_again("PASSPHRASE")),
        "proposed-words": Sample(page=passphrase.words_page(0), proposal=ProposalView(WORDS)),
        "proposed-words-2": Sample(page=passphrase.words_page(4), proposal=ProposalView(WORDS)),
        "proposed-words-missing": Sample(page=passphrase.words_page(0)),
        "entry-words-start": _entering(replace(words, choices=chosen[2:])),
        "entry-words-stuck-key": Sample(
            page=Entry(purpose=Purpose.UNLOCK),
            entry=replace(words, position=3, count=2, typed="22", line="**22_", length=14),
            stuck=("3",),
        ),
        "entry-words-stuck-keys": Sample(
            page=Entry(purpose=Purpose.UNLOCK),
            entry=replace(words, choices=chosen[2:]),
            stuck=tuple("0123456789"),
        ),
        "entry-words-typing": _entering(
            replace(words, position=3, count=2, typed="22", line="**22_", length=14)
        ),
        "entry-words-candidates": _entering(
            replace(
                words,
                position=3,
                count=2,
                typed="2283",
                line="**2283_",
                candidates=("acid", "acoustic", "abstract", "absurd"),
                length=14,
            ),
            Purpose.REPEAT,
        ),
        "entry-words-of-8": _entering(
            replace(words, position=8, count=7, total=8, typed="2", line="*******2_", length=50),
            Purpose.REPEAT,
        ),
        "entry-words-earlier": _entering(
            replace(words, position=2, count=3, line="*_**", length=20, choices=chosen, complete=True)
        ),
        "entry-words-complete": _entering(
            replace(words, position=9, count=8, line="********_", length=58, choices=chosen, complete=True)
        ),
        "entry-words-deleted": _entering(
            replace(words, position=5, count=6, line="****_-**", length=44, choices=chosen[:2], missing=5)
        ),
        "entry-words-deleted-shown": _entering(
            replace(words, count=6, shown=" ".join((*WORDS[:4], "-", "-", *WORDS[6:])), length=44)
        ),
        "entry-words-deleted-of-8": _entering(
            replace(
                words, position=5, count=7, total=8, line="****_***", length=50, choices=chosen[:2], missing=5
            ),
            Purpose.REPEAT,
        ),
        "entry-words-replacing": _entering(
            replace(words, position=6, count=8, typed="22833", line="*****22833_***", length=58)
        ),
        "entry-words-many": _entering(
            replace(words, position=14, count=13, line="*" * 13 + "_", length=90, complete=True)
        ),
        "entry-words-unchanged": _entering(
            replace(words, position=8, count=8, line="*******_*", length=58, complete=True, unchanged=True)
        ),
        "entry-words-differs": _entering(
            replace(words, position=4, count=8, total=8, line="***_*****", length=58, differs=True),
            Purpose.REPEAT,
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
        "entry-date-start": _dating(""),
        "entry-date": _dating("026112"),
        "entry-date-again": _dating("02611231534", Purpose.DATE_AGAIN),
        "entry-seal-start": _sealing(""),
        "entry-seal": _sealing("0047"),
        "entry-seal-full": _sealing("9" * 12),
        "entry-drill": _entering(replace(words, total=6, choices=(("D", "hold see"),)), Purpose.DRILL),
        "entry-key": _entering(replace(words, choices=chosen[2:]), Purpose.IDENTITY),
        "entry-digits": _entering(
            EntryView(mode=Mode.DIGITS, layer="123", line="***7_", length=4, complete=True)
        ),
        "entry-missing": Sample(page=Entry(purpose=Purpose.UNLOCK)),
    }


SAMPLES = _samples()
