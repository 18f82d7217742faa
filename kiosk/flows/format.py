"""A stick that nothing belongs to, or that cannot be used, and making one a PiSM stick."""

from dataclasses import replace

from core.policy.rules import RESERVED_LABELS
from hw.ports import Stick
from hw.sizes import size_text
from kiosk.flows.box import Box
from kiosk.flows.dialogs import pick, problem, problem_code, problem_page, tell
from kiosk.flows.flow import Flow, Page, Refused, ask
from kiosk.flows.menu import menu
from kiosk.text.messages import explain
from kiosk.text.wrap import BODY_ROWS, fit
from kiosk.work.devices import FormatStick

_LABEL_COLUMNS = 19
_LABELLED = ("", "vfat", "exfat", "ntfs", "ext")
"""What lies on sticks whose label is looked for: hw.fat.look."""


def wrong_stick(box: Box, stick: Stick) -> Flow:
    """Say what is on a stick that no step belongs to, or not one only, and what could be done.

    One with a reserved label is not offered to be erased: it was made to bring something.
    """
    is_reserved = any(one.label in RESERVED_LABELS for one in (stick, *stick.parts))
    labels = () if is_reserved else tuple(label for label, _ in box.table)
    key = yield Page(
        title="E-STICK-PARTS" if stick.parts else "NOT A PiSM STICK",
        strong=bool(stick.parts),
        body=_several(stick.parts) if stick.parts else _only(stick),
        left="A erase D menu" if labels else "D menu",
        right="*leave",
        takes="AD*" if labels else "D*",
        minds_sticks=True,
        rests=True,
        names_stuck=True,
    )
    match key:
        case "A":
            return (yield from format_stick(box, stick, labels))
        case "D":
            return (yield from menu(box))
    box.ignore(stick)
    return None


def unusable_stick(box: Box, stick: Stick, refused: Refused) -> Flow:
    """Say that a stick with a job's label has no FAT32 that can be used, why, and that it may be erased."""
    whole = next((one for one in box.sticks if one.identity == stick.identity), None)
    if whole is None:
        return (yield from problem(refused.code, refused.text))
    at, count = 0, explain(refused.code, refused.text).pages
    while True:
        page = problem_page(refused.code, refused.text, at)
        if at == 0:
            page = replace(
                page,
                body=(explain(refused.code).happened, "Check it on a PC, or", "erase it here"),
                left="A erase D why",
                right="*back",
                takes="ABD#*",
                minds_sticks=True,
            )
        match (yield page):
            case "A":
                return (yield from format_stick(box, whole, tuple(label for label, _ in box.table)))
            case "B":
                yield problem_code(refused.code)
            case "D":
                at = (at + 1) % count
            case _:
                return None


def _only(stick: Stick) -> tuple[str, ...]:
    """Return what is on a stick with one volume, or none."""
    unnamed = "It has no label" if stick.filesystem in _LABELLED else "Label is not read"
    return (
        fit(stick.label or unnamed),
        fit(f"{stick.filesystem or 'blank'}, {size_text(stick.size_bytes)}"),
        "No job has this label" if stick.filesystem == "vfat" else "It is not FAT32",
    )


def _several(parts: tuple[Stick, ...]) -> tuple[str, ...]:
    """Return what is on a stick with several volumes, as far as there is room."""
    names = tuple(
        fit(f"{part.label or part.filesystem or 'blank'} {size_text(part.size_bytes)}") for part in parts
    )
    if len(names) >= BODY_ROWS:
        return (f"It has {len(names)} parts:", names[0], f"and {len(names) - 1} more")
    return ("It has several parts:", *names)


def format_stick(box: Box, stick: Stick, labels: tuple[str, ...]) -> Flow:
    """Erase a stick and give it one of the labels of the table in force."""
    picked = yield from pick("ERASE AND NAME IT", tuple(fit(label, _LABEL_COLUMNS) for label in labels))
    if picked is None or (yield confirm(stick, labels[picked])) == "*":
        return None
    label = labels[picked]
    erased = yield from ask(FormatStick, erasing(label), stick=stick, label=label)
    box.sticks = tuple(erased if one.identity == erased.identity else one for one in box.sticks)
    box.ignored = ""
    if box.stick is not None and box.steps(label):
        return None  # and it asks for its job at once
    return (yield from tell("STICK MADE", f"It is {label} now"))


def confirm(stick: Stick, label: str) -> Page:
    """Return what is lost, and what comes."""
    name = f"{len(stick.parts)} parts," if stick.parts else stick.label or "unnamed"
    return Page(
        title="ERASE THE STICK?",
        strong=True,
        body=(
            fit(f"{name} {size_text(stick.size_bytes)}"),
            "All on it is lost.",
            f"Then: {fit(label, 15)}",
        ),
        left="#hold: erase",
        right="*back",
        takes="*",
        holds="#",
        minds_sticks=True,
    )


def erasing(label: str) -> Page:
    """Return the page while it is erased."""
    return Page(title="ERASING", body=("Making it", fit(label)), left="do not pull", busy=True)
