"""A diagnosis for whoever helps: what runs here and what went wrong, as a text file on any FAT32 stick.

It needs no passphrase, and holds no secret (kiosk.work.diagnosis). The menu has it, and the page that says
what broke: where the vault does not come up there is no menu.
"""

from dataclasses import replace

from hw.ports import Stick
from hw.sizes import size_text
from kiosk.flows.box import Box
from kiosk.flows.dialogs import problem_code, problem_page
from kiosk.flows.flow import BACK, Flow, Page, Step, SticksChanged, ask, on_menu
from kiosk.text.messages import explain
from kiosk.text.wrap import fit, wrap
from kiosk.work.diagnosis import WriteDiagnosis

WRITING = Page(title="ONE MOMENT", body=("Writing the", "diagnosis"), left="do not pull", busy=True)
TITLE = "WRITE DIAGNOSIS"


@on_menu("C", "Write diagnosis", while_locked=True)
def diagnosis(box: Box) -> Flow:
    """Wait for a stick, write the file, and say its name; the stick is served then."""
    stick = yield from _find_stick(box)
    if stick is None:
        return BACK
    name = yield from ask(WriteDiagnosis, WRITING, stick=stick)
    if box.has(stick):
        box.ignore(stick)
    yield written_page(name)
    return None


def written_page(name: str) -> Page:
    """Return what a file is called that was written and read back."""
    body = (*wrap(name), "Pull the stick")
    return Page(title="DIAGNOSIS WRITTEN", strong=True, body=body, left="#ok", takes="#*", minds_sticks=True)


def fault(box: Box, code: str, text: str) -> Flow:
    """Say what broke and that the box is locked, behind D the error's own words; A writes a diagnosis."""
    at, count = 0, explain(code, text).pages
    while True:
        match (yield fault_page(code, text, at)):
            case "A":
                return (yield from diagnosis(box))
            case "B":
                yield problem_code(code)
            case "D":
                at = (at + 1) % count
            case _:
                return None


def fault_page(code: str, text: str, at: int = 0) -> Page:
    """Return one page of what broke."""
    page = problem_page(code, text, at)
    left = "#ok D more" if page.right else "#ok"  # B shows the code here, too; there is no room to say so
    return replace(page, mark=page.right, left=left, right="A diagnose", takes="AB#*D")


def _find_stick(box: Box) -> Step[Stick | None]:
    """Return the one FAT32 stick that is in, once `#` was pressed; None when it is left."""
    while True:
        stick = box.volumes[0] if len(box.volumes) == 1 else None
        usable = stick if stick is not None and stick.filesystem == "vfat" else None
        try:
            key = yield stick_page(usable, len(box.sticks))
        except SticksChanged:
            continue
        return usable if key == "#" else None


def stick_page(stick: Stick | None, count: int) -> Page:
    """Return what stick is waited for, or is in.

    Args:
        stick: The only one, if it is FAT32.
        count: How many are in.
    """
    body: tuple[str, ...]
    if stick is not None:
        named = fit(f"{stick.label or 'no label'} {size_text(stick.size_bytes)}")
        body = (named, "A text file is added.", "It holds no secret.")
    elif count > 1:
        body = ("Two sticks are in.", "Pull one of the two")
    elif count:
        body = ("This one is not", "FAT32, or has parts.", "Take another stick")
    else:
        body = ("Put in any FAT32", "stick. What is on it", "stays.")
    return Page(
        title=TITLE,
        body=body,
        left="#write" if stick is not None else "",
        right="*back",
        takes="#*" if stick is not None else "*",
        minds_sticks=True,
        names_stuck=True,
    )
