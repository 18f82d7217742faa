"""The words of a drill: six words that prove that a backup can be restored, typed or brought on a stick.

A stick labelled PISM-DRILL asks for it by itself (kiosk.flows.stick_job); any other is read from the menu.

They are no secret, but they are typed as a passphrase is, and somebody may type the one for the other; so
they are kept, shown and wiped in the same way. Wrong words cost nothing: they are counted for the eye, not on
disk, and nothing waits. Whoever types them has the box unlocked, and 66 bits are not guessed.
"""

from collections.abc import Sequence

from core.api.requests import RecordDrill
from core.api.results import DrillRecorded
from hw.ports import Stick
from kiosk.entry.buffers import Purpose
from kiosk.flows.box import Box
from kiosk.flows.dialogs import tell, wait
from kiosk.flows.flow import BACK, LEFT, Entry, Flow, Page, Refused, Step, ask, on_menu
from kiosk.text.wrap import BODY_ROWS, fit, fit_name
from kiosk.work.drill import ReadDrill

LOOKING = Page(
    title="ONE MOMENT",
    body=("Looking for a backup", "with these words."),
    left="please wait",
    busy=True,
    secretive=True,
)
_NAME_COLUMNS = 11


@on_menu("A", "Drill words")
def drill(box: Box) -> Flow:
    """Take the six words of a drill: typed, or from the stick that is in."""
    if len(box.volumes) == 1 and box.volumes[0].filesystem == "vfat":
        stick = box.volumes[0]
        match (yield choice(stick.label)):
            case "B":
                return (yield from tell_drills((yield from _read(stick))))
            case "*":
                return BACK
    tries = 0
    while (yield Entry(purpose=Purpose.DRILL, again=tries > 0, refused=tries > 0)) is not LEFT:
        try:
            recorded = yield from ask(RecordDrill, LOOKING, words=Purpose.DRILL, name=None)
        except Refused as refused:
            if refused.code != "E-DRILL":
                raise
            tries += 1
            if (yield wrong_words(tries)) != "#":
                return BACK
        else:
            return (yield from tell_drills((recorded,)))
    return BACK


def record_stick(box: Box, stick: Stick) -> Flow:
    """Record what a PISM-DRILL stick brings; a session that was opened for it ends then."""
    drills = yield from _read(stick)
    if box.has(stick):
        box.ignore(stick)
    if box.single_job:
        box.lock()
    return (yield from tell_drills(drills))


def _read(stick: Stick) -> Step[tuple[DrillRecorded, ...]]:
    recorded: tuple[DrillRecorded, ...] = yield from ask(ReadDrill, wait("Reading the stick"), stick=stick)
    return recorded


def choice(label: str) -> Page:
    """Return the choice between the two ways."""
    return Page(
        title="DRILL WORDS",
        body=("A type six words", fit(f"B read {label or 'the stick'}")),
        left="A or B",
        right="*back",
        takes="AB*",
        minds_sticks=True,
    )


def wrong_words(tries: int) -> Page:
    """Return what is said when no backup waits for the words."""
    return Page(
        title="E-DRILL",
        strong=True,
        body=(
            "They are wrong, or",
            "were recorded before.",
            f"{tries} tries" if tries > 1 else "Nothing has changed",
        ),
        left="#correct",
        right="*=give up",
        takes="#",
        holds="*",
        secretive=True,
    )


def tell_drills(drills: Sequence[DrillRecorded]) -> Flow:
    """Say which backups are proven now."""
    lines = tuple(f"{fit_name(drill.name, _NAME_COLUMNS)} {drill.sequence:06} ok" for drill in drills)
    shown = lines if len(lines) <= BODY_ROWS else (*lines[: BODY_ROWS - 1], f"and {len(lines) - 2} more")
    return (yield from tell("DRILL RECORDED", *shown))
