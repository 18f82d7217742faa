"""A rescue: one backup from a stick PISM-RESCUE, restored onto an empty box under a new passphrase.

Rules:

1. The panel shows first and asks then: whose backup it is, which one, the words of the box that made it; a
   held key confirms.
2. The vault holds identity and backup meanwhile; leaving by any way closes it, and the box is as empty as
   before.
3. The stick is not needed any more once the backup was read.
"""

from core.api.results import BackupOpened, BackupRestored
from hw.ports import Stick
from kiosk.entry.buffers import Purpose
from kiosk.flows.box import Box
from kiosk.flows.dialogs import pick, read_to_end, tell
from kiosk.flows.flow import LEFT, Entry, Flow, Page, Refused, Step, Work, ask
from kiosk.flows.menu import menu
from kiosk.flows.passphrase import choose_passphrase
from kiosk.flows.recognition import show_recognition
from kiosk.flows.setup import confirm_date
from kiosk.flows.status import BOX_WORDS
from kiosk.flows.unlock import wait_out
from kiosk.text.wrap import TIGHT_ROWS, WORD_PAGES, fingerprint_lines, fit_name, pack, page_mark, pages, wrap
from kiosk.work.rescue import LookForBackup, OpenIdentity, ReadBackup, Restore, TakeIdentity

ASKS = Page(
    title="STICK PISM-RESCUE",
    body=("Restore the backup", "onto this empty box?", "Have paper and a pen"),
    left="#begin",
    right="*leave",
    takes="#*D",
    minds_sticks=True,
    rests=True,
    needs_vault=True,
    names_stuck=True,
)
NOT_EMPTY = Page(
    title="E-STATE-EXISTS",
    strong=True,
    body=("This box is not", "empty: nothing is to", "be rescued. Pull it."),
    left="D menu",
    right="*leave",
    takes="D*",
    minds_sticks=True,
    rests=True,
    names_stuck=True,
)
OPENING_KEY = Page(
    title="ONE MOMENT",
    body=("The key is being", "opened."),
    left="do not unplug",
    busy=True,
    secretive=True,
    needs_vault=True,
)
READING = Work(
    titles=("1/3 READ", "2/3 CHECK", "3/3 RESTORE"),
    counts="/",
    warnings=("do not pull", "do not unplug"),
    stops="is being stopped",
    needs_vault=True,
)
RESTORING = Work(
    titles=READING.titles,
    begins_at=3,
    counts="/",
    stops="is being stopped",
    secretive=True,
    needs_vault=True,
)
_NAME_COLUMNS = 19  # behind "A "

Told = tuple[str, tuple[str, ...]]
"""A title, and at most four lines."""


def not_empty(box: Box, stick: Stick) -> Flow:
    """The same stick, but there is an authority: nothing is touched."""
    if (yield NOT_EMPTY) == "D":
        return (yield from menu(box))
    box.ignore(stick)
    return None


def rescue(box: Box, stick: Stick) -> Flow:
    """Restore the backup of a stick onto this empty box."""
    match (yield ASKS):
        case "*":
            box.ignore(stick)
            return None
        case "D":
            return (yield from menu(box))
    if not (yield from confirm_date()):
        return None
    try:
        restored = yield from _restore(box, stick)
    except Refused as refused:
        # What is in the folder, the vault says when it is asked anew.
        box.lock()
        box.provisioned = None
        if refused.code != "E-STOPPED":
            raise
        return (yield from tell("STOPPED", "The box is as empty", "as it was."))
    if restored is None:
        return None
    box.lock()
    box.provisioned = True
    box.ignore(stick)
    yield from read_to_end(done_pages(*restored))
    return None


def _restore(box: Box, stick: Stick) -> Step[tuple[BackupOpened, BackupRestored] | None]:
    """Take a key and the backup off the stick, have them confirmed, and restore; None when it is left."""
    found = yield from ask(LookForBackup, looking(""), stick=stick)
    box.rescuing = True
    name = yield from _pick_identity(found.identities)
    if name is None:
        return None
    seen = yield from ask(TakeIdentity, looking(name), stick=stick, name=name)
    if seen.locked and not (yield from _open_identity(name)):
        return None
    backup: BackupOpened = yield from ask(ReadBackup, READING, stick=stick)
    while (yield from read_to_end(confirm_pages(backup))):
        if (yield from choose_passphrase("PASSPHRASE")):
            restored = yield from ask(Restore, RESTORING, passphrase=Purpose.REPEAT)
            yield from show_recognition(box, Purpose.REPEAT)
            return backup, restored
    return None


def looking(name: str) -> Page:
    """Return the page while the stick is looked at, or an identity is taken off it."""
    lines = ("Taking the key", fit_name(name)) if name else ("Looking at the stick",)
    return Page(title="ONE MOMENT", body=lines, left="do not pull", busy=True, needs_vault=True)


def _pick_identity(names: tuple[str, ...]) -> Step[str | None]:
    """Return which file is to open the backup; None when that is left."""
    if len(names) == 1:
        return names[0]
    page = Page(needs_vault=True, names_stuck=True)
    picked = yield from pick(
        lambda _mark: "WHICH KEY?", [fit_name(name, _NAME_COLUMNS) for name in names], page
    )
    return None if picked is None else names[picked]


def _open_identity(name: str) -> Step[bool]:
    """Ask for the passphrase of a key until it fits; False when it is given up."""
    while (yield locked_page(name)) != "*":
        again = False
        while (yield Entry(purpose=Purpose.IDENTITY, again=again, refused=again)) is not LEFT:
            try:
                yield from ask(OpenIdentity, OPENING_KEY, passphrase=Purpose.IDENTITY)
            except Refused as refused:
                if refused.code != "E-IDENTITY-LOCKED":
                    raise
                again = yield from wait_out(refused.code, 0, "It does not open it.")
                if not again:
                    return False
            else:
                return True
    return False


def locked_page(name: str) -> Page:
    """Return what is said of a key with a passphrase of its own, and what of it can be typed here."""
    return Page(
        title="THE KEY IS LOCKED",
        body=(fit_name(name), "Type its passphrase.", "Any ASCII, also space"),
        left="#type",
        right="*back",
        takes="#*",
        needs_vault=True,
        names_stuck=True,
    )


def confirm_pages(backup: BackupOpened) -> tuple[Page, ...]:
    """Return what the operator compares before a backup is restored; the last page is confirmed."""
    made = (*wrap(f"{backup.name} {backup.sequence:06}"), f"{backup.created:%Y-%m-%d %H:%M} UTC")
    told: tuple[Told, ...] = (
        *(("WHOSE BACKUP?", rows) for rows in pages(wrap(backup.authority), TIGHT_ROWS)),
        ("WHICH ONE?", (*made, "Is it the newest?")),
        *_words_of_backup(backup),
    )
    last = len(told) - 1
    return tuple(
        Page(
            title=title,
            mark=page_mark(at, len(told)),
            strong=title == told[0][0],
            body=lines,
            left="#hold: restore" if at == last else "#same",
            right="*back",
            takes="*" if at == last else "#*",
            holds="#" if at == last else "",
            needs_vault=True,
            names_stuck=True,
        )
        for at, (title, lines) in enumerate(told)
    )


def _words_of_backup(backup: BackupOpened) -> tuple[Told, ...]:
    """Return the words to compare: of the box that made it, which cover its roots; in format 1 of a root."""
    if backup.box_words:
        return _words("OLD BOX'S WORDS", backup.box_words)
    return _words("THE ROOT'S WORDS", backup.root_words)


def done_pages(backup: BackupOpened, restored: BackupRestored) -> tuple[Page, ...]:
    """Return what came back, and what to do next."""
    back = pack(
        (
            *pages(wrap(backup.authority), TIGHT_ROWS),
            wrap(f"{backup.name} {backup.sequence:06}"),
            wrap(f"{backup.roots} roots {backup.signers} signers"),
        ),
        TIGHT_ROWS,
    )
    date = () if restored.clock_believed else ("Set the date first",)
    visit = (f"Visit by {restored.next_visit_by:%Y-%m-%d}",)
    told: tuple[Told, ...] = (
        *(("RESTORED", rows) for rows in back),
        ("DO NEXT", (*(date or visit), "Unlock, back up at", "once, then export")),
        ("TELL RECEIVERS", ("This is another box.", "Each server asks once", "for its 12 words:")),
        *_words(BOX_WORDS, restored.box_words),
        *((("CONFIG DIFFERS", _DIFFERS),) if restored.policy_changes else ()),
        ("PULL THE STICK", ("It opens every backup", "Take the key off it,", "see the manual")),
    )
    return tuple(
        Page(
            title=title,
            mark=page_mark(at, len(told)),
            strong=title == told[0][0],
            body=lines,
            left="#done" if at == len(told) - 1 else "#next",
            right="*back" if at else "",
            takes="#*" if at else "#",
        )
        for at, (title, lines) in enumerate(told)
    )


_DIFFERS = ("The backup's policy", "holds. Unlock and see", "what would change")


def _words(title: str, words: tuple[str, ...]) -> tuple[Told, ...]:
    return tuple((title, fingerprint_lines(words, half)) for half in range(WORD_PAGES))
