"""First set-up: date, policy, recipients' words, passphrase; then the authority is made, and locked."""

from datetime import datetime

from core.api.requests import AskPolicy, Init
from core.api.results import PolicyProposal, Unlocked
from core.errors import ClockBehindError
from core.times import RELEASED
from kiosk.entry.buffers import Purpose
from kiosk.flows.box import POLICY_LABEL, Box
from kiosk.flows.clock import SETTING, type_date
from kiosk.flows.dialogs import large_time, read_to_end, wait
from kiosk.flows.flow import Flow, Page, Refused, Step, Work, ask
from kiosk.flows.menu import menu
from kiosk.flows.passphrase import choose_passphrase
from kiosk.flows.policy import READING_FILE, READING_STICK, review_pages
from kiosk.flows.recognition import show_recognition
from kiosk.work.devices import ReadClock, SetClock
from kiosk.work.policy_stick import ReadPolicy

MAKING = Work(titles=("SETTING UP",), starting="Making the keys", counts="", secretive=True)
DONE = Page(
    title="SET-UP IS DONE",
    strong=True,
    body=("The box is locked", "again. Next: put in a", "stick to export."),
    left="#ok",
    takes="#",
)


def set_up(box: Box) -> Flow:
    """Make the authority of an empty box."""
    if (yield welcome(box)) == "D":
        return (yield from menu(box))
    if not (yield from confirm_date()):
        return None
    proposal, source = yield from _read_policy(box)
    shown, at = review_pages(proposal, source, ""), 0
    while True:
        if not (yield from read_to_end(shown, at)):
            return None
        if (yield from choose_passphrase("PASSPHRASE")):
            break
        at = len(shown) - 1
    made: Unlocked = yield from ask(
        Init, MAKING, passphrase=Purpose.REPEAT, policy_sha256=proposal.policy_sha256
    )
    yield from show_recognition(box, Purpose.REPEAT)
    box.lock()
    box.provisioned = True
    box.keep_table(tuple(made.sticks.items()) or box.settings.sticks)
    if box.stick is not None and box.stick.label == POLICY_LABEL:
        box.ignore(box.stick)
    yield DONE
    return None


def welcome(box: Box) -> Page:
    """Return the first page of an empty box."""
    bringing = any(stick.label == POLICY_LABEL for stick in box.volumes)
    brought = (f"{POLICY_LABEL} is in:", "its policy is used.")
    return Page(
        title="FIRST SET-UP",
        body=("It is not set up yet.", *(brought if bringing else ("Have paper and a pen", "at hand."))),
        left="#begin",
        right="D menu",
        takes="#D",
        minds_sticks=True,
        rests=True,
        names_stuck=True,
    )


def confirm_date() -> Step[bool]:
    """Have the date confirmed, or set first; False when it is left.

    One before the release that runs cannot be right: nothing is asked, it has to be set.
    """
    while True:
        now = yield from ask(ReadClock, wait("Reading the clock", leave=True))
        is_behind = now < RELEASED
        match (yield behind_page(now) if is_behind else date_page(now)):
            case "#" if not is_behind:
                return True
            case "*":
                return False
        date = yield from type_date()
        if date is not None:
            yield from ask(SetClock, SETTING, instant=date)


def date_page(now: datetime) -> Page:
    """Return the question whether this is the time."""
    return Page(
        title="IS THIS THE TIME?",
        body=large_time(now),
        left="#yes   A set",
        right="*back",
        takes="#A*",
        minds_sticks=True,
        needs_vault=True,
        names_stuck=True,
    )


def behind_page(now: datetime) -> Page:
    """Return what the clock says, and that it is before this PiSM was made."""
    return Page(
        title=ClockBehindError.code,
        strong=True,
        body=(f"Box  {now:%Y-%m-%d %H:%M}", f"PiSM {RELEASED:%Y-%m-%d}", "Set the true time"),
        left="#set",
        right="*back",
        takes="#*",
        minds_sticks=True,
        needs_vault=True,
        names_stuck=True,
    )


def _read_policy(box: Box) -> Step[tuple[PolicyProposal, str]]:
    """Return the policy of a stick that brings one, else config.yaml's, and the stick's label."""
    bringing = [stick for stick in box.volumes if stick.label == POLICY_LABEL]
    if not bringing:
        return (yield from ask(AskPolicy, READING_FILE)), ""
    if len(box.sticks) > 1:
        raise Refused("E-STICK-TWO", "Only PISM-CONFIG may be in.")
    return (yield from ask(ReadPolicy, READING_STICK, stick=bringing[0])), POLICY_LABEL
