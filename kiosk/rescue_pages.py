"""What a rescue shows page by page: the backup before it is restored, and what came back after."""

from kiosk.rescue_reports import BackupRow, Restored
from kiosk.review import WORD_PAGES, fingerprint_lines
from kiosk.text.wrap import fit, wrap

_ROWS = 4

Page = tuple[str, tuple[str, ...]]
"""A title, and at most four lines of 21 characters."""


def confirm_pages(backup: BackupRow) -> tuple[Page, ...]:
    """Return what the operator compares before a backup is restored; the last page is confirmed."""
    made = (f"{fit(backup.name, 14)} {backup.sequence:06}", f"{backup.created:%Y-%m-%d %H:%M} UTC")
    return (
        ("WHOSE BACKUP?", wrap(backup.authority)[:_ROWS]),
        ("WHICH ONE?", (*made, "Is it the newest?")),
        *_word_pages(backup),
    )


def done_pages(backup: BackupRow, restored: Restored) -> tuple[Page, ...]:
    """Return what came back, and what to do next."""
    back = (
        fit(backup.authority),
        f"{fit(backup.name, 14)} {backup.sequence:06}",
        fit(f"{backup.roots} roots {backup.signers} signers"),
    )
    date = () if restored.clock_believed else ("Set the date first",)
    visit = (f"Visit by {restored.next_visit_by:%Y-%m-%d}",)
    return (
        ("RESTORED", back),
        *_word_pages(backup),
        ("DO NEXT", (*(date or visit), "Unlock, back up at", "once, then export")),
        ("NEW INCARNATION", _INCARNATION),
        ("ITS ID", (*_halves(restored.incarnation), "for pism --follow")),
        *((("CONFIG DIFFERS", _DIFFERS),) if restored.policy_differs else ()),
        ("PULL THE STICK", ("It opens every backup", "Take the key off it,", "see the manual")),
    )


def _halves(id_: str) -> tuple[str, str]:
    middle = -(-len(id_) // 2)
    return id_[:middle], id_[middle:]


_INCARNATION = ("Every server asks to", "believe it, once, by", "the root's words")
_DIFFERS = ("The backup's policy", "holds. Unlock and see", "what would change")


def _word_pages(backup: BackupRow) -> tuple[Page, ...]:
    return tuple(("THE ROOT'S WORDS", fingerprint_lines(backup.words, half)) for half in range(WORD_PAGES))
