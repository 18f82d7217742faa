"""Drawing: a page, and what may be drawn of secrets, to a picture of 128x64 pixels. Pure.

Rules: a picture depends on its arguments alone; secrets come only from the two views; text that does not fit
is a bug (TextOverflowError).
"""

import textwrap
from datetime import datetime
from functools import cache
from typing import Final

from PIL import Image

from hw.ports import KEYS
from kiosk.entry.buffers import ProposalView, Purpose
from kiosk.entry.view import EntryView, Mode
from kiosk.screens.canvas import HEIGHT, TIGHTEST_Y, WIDTH, Canvas, shifted
from kiosk.screens.page import (
    Chart,
    Entry,
    Keys,
    Large,
    Page,
    Pairs,
    Pixels,
    Proposed,
    QrCode,
    Shown,
    Work,
)
from kiosk.text.wrap import COLUMNS, clean, fit

_BAR_LEFT, _BAR_WIDTH = 58, 42
_CELL = 16
_BESIDE_COLUMN, _BESIDE_QR_COLUMN = 12, 11
_QR_SCALE = 2
_MINUTE_S = 60
PROPOSED_WORDS: Final = 8
WORDS_PER_PAGE: Final = 4


def draw(
    page: Shown,
    entry: EntryView | None = None,
    proposal: ProposalView | None = None,
    *,
    stuck: tuple[str, ...] = (),
    shift: int | None = None,
    now: datetime | None = None,
) -> Image.Image:
    """Return the picture of a page.

    Args:
        page: What a flow yielded.
        entry: The running entry, when there is one; drawn only by an Entry.
        proposal: The proposed words, when there are some; drawn only while they are to be written down.
        stuck: Keys that are stuck.
        shift: How often a dimmed picture was moved; None while the panel is bright.
        now: The box's time, aware UTC, for a page that tells it; None: it is not known.

    Returns:
        128x64 pixels of mode "1".

    Raises:
        TextOverflowError: A page holds more than fits: a bug.
    """
    canvas = Canvas()
    match page:
        case Entry():
            _draw_entry(canvas, page.purpose, entry or EntryView(mode=Mode.WORDS), stuck)
        case Work():
            _draw_work(canvas, page)
        case Page():
            time = f"{now:%Y-%m-%d %H:%M} UTC" if page.tells_time and now is not None else ""
            _draw_page(canvas, page, proposal, stuck, time)
    return canvas.image if shift is None else shifted(canvas.image, shift)


def name_stuck(keys: tuple[str, ...], columns: int = COLUMNS) -> str:
    """Return the words for stuck keys, in as many columns as there are: "" for none.

    Args:
        keys: Which.
        columns: At most so many characters.
    """
    if not keys:
        return ""
    spaced = f"Stuck keys: {' '.join(keys)}"
    return spaced if len(spaced) <= columns else fit(f"Stuck: {''.join(keys)}", columns)


def _draw_page(
    canvas: Canvas, page: Page, proposal: ProposalView | None, stuck: tuple[str, ...], time: str
) -> None:
    if stuck and page.names_stuck:
        canvas.title(name_stuck(stuck), strong=True)
    elif page.title or time:
        canvas.title(page.title or time, page.mark, strong=page.strong)
        if page.icon and not page.mark and len(page.title) + 1 < COLUMNS:
            canvas.icon(page.icon, lit=not page.strong)
    match page.body:
        case tuple() as lines:
            canvas.lines((*lines, time) if time and page.title else lines)
        case Large() as large:
            below = name_stuck(stuck) if stuck and large.names_stuck else large.below
            canvas.big(large.text, large.top, icon=large.icon).centre(3, below)
        case Proposed() as proposed:
            _draw_proposed(canvas, proposed, () if proposal is None else proposal.words)
        case picture:
            _draw_picture(canvas, picture)
    if page.left or page.right:
        canvas.keys(page.left, page.right)


def _draw_picture(canvas: Canvas, picture: Pairs | Chart | QrCode | Keys | Pixels) -> None:
    """Draw what is more than lines of text between title and keys, or over the whole panel."""
    match picture:
        case Pairs():
            _draw_pairs(picture, canvas)
        case Chart():
            _draw_chart(picture, canvas)
        case QrCode():
            _draw_qr_code(picture, canvas)
        case Keys():
            _draw_keys(picture, canvas)
        case Pixels():
            _draw_pixels(picture, canvas)


def _draw_pairs(pairs: Pairs, canvas: Canvas) -> None:
    """Draw rows of two texts."""
    for row, (left, right) in enumerate(pairs.rows, start=1):
        canvas.text(row, left).text(row, right, right=True)


def _draw_chart(chart: Chart, canvas: Canvas) -> None:
    """Draw a bar for each row, its name before it and its number behind it."""
    for row, (name, share, number) in enumerate(chart.bars, start=1):
        canvas.text(row, name).bar(row, share, left=_BAR_LEFT, width=_BAR_WIDTH).text(row, number, right=True)


def _draw_qr_code(code: QrCode, canvas: Canvas) -> None:
    """Draw a code over the whole height, and what stands beside it."""
    canvas.image.paste(_qr(code.text), (0, 0))
    for row, line in enumerate(code.beside):
        canvas.text(row, line, column=_BESIDE_QR_COLUMN)


@cache
def _qr(text: str) -> Image.Image:
    """Return the QR code (version 3-L) of a text for a camera, dark on lit ground, in its quiet zone."""
    import segno  # only this page needs it, and the first frame must not wait for it

    modules = segno.make(text, version=3, error="l", mode="alphanumeric", boost_error=False).matrix
    image = Image.new("1", (HEIGHT, HEIGHT), 255)
    margin = (HEIGHT - len(modules) * _QR_SCALE) // 2
    for y, line in enumerate(modules):
        for x, dark in enumerate(line):
            if dark:
                left, top = margin + x * _QR_SCALE, margin + y * _QR_SCALE
                image.paste(0, (left, top, left + _QR_SCALE, top + _QR_SCALE))
    return image


def _draw_keys(keys: Keys, canvas: Canvas) -> None:
    """Draw the sixteen keys, and what stands beside them."""
    for number, key in enumerate(KEYS):
        canvas.cell(key, number % 4 * _CELL, number // 4 * _CELL, _CELL, lit=key in keys.seen)
    for row, line in enumerate(keys.beside):
        canvas.text(row, line, column=_BESIDE_COLUMN)


def _draw_pixels(pixels: Pixels, canvas: Canvas) -> None:
    """Light all pixels, none, or every second one."""
    if pixels.pattern == "lit":
        canvas.box(0, 0, WIDTH, HEIGHT)
    elif pixels.pattern != "dark":
        odd = int(pixels.pattern == "opposite")
        for y in range(HEIGHT):
            for x in range((y + odd) % 2, WIDTH, 2):
                canvas.image.putpixel((x, y), 255)


def _draw_proposed(canvas: Canvas, proposed: Proposed, words: tuple[str, ...]) -> None:
    """Draw four words in two rows."""
    shown = words[proposed.first : proposed.first + WORDS_PER_PAGE]
    numbered = [f"{proposed.first + n} {word:<9}" for n, word in enumerate(shown, 1)]
    canvas.body(("".join(numbered[:2]).rstrip(), "".join(numbered[2:]).rstrip(), proposed.below))


def _draw_work(canvas: Canvas, work: Work) -> None:
    progress = work.progress
    step = min(max(work.step or work.begins_at, 1), len(work.titles))
    canvas.title(work.titles[step - 1])
    if progress is None:
        canvas.text(1, work.starting)
    else:
        counts = work.counts and progress.counted and progress.total
        counted = f" {progress.done}{work.counts}{progress.total}" if counts else ""
        canvas.text(1, fit(clean(progress.what) + counted))
        done, total = progress.scale
        if total:
            canvas.bar(2, min(done / total, 1))
    if work.stops:
        canvas.text(3, work.stops if work.stopping else _time_left(work.seconds_left))
    warning = work.warnings[min(step, len(work.warnings)) - 1]
    canvas.keys(warning, "*=stop" if work.stops and not work.stopping else "")


def _time_left(seconds: int | None) -> str:
    """Return the estimate in words; nothing while there is none."""
    if seconds is None:
        return ""
    if seconds < _MINUTE_S:
        return f"about {max(1, seconds)} s left"
    return f"about {round(seconds / _MINUTE_S)} min left"


_WANTED = {
    Purpose.UNLOCK: "Passphrase",
    Purpose.CURRENT: "Old passphrase",
    Purpose.IDENTITY: "Key passphrase",
    Purpose.CHOOSE: "New passphrase",
    Purpose.REPEAT: "Type it again",
    Purpose.DATE: "Type the date",
    Purpose.DRILL: "Words of drill",
    Purpose.DATE_AGAIN: "Type it again",
    Purpose.SEAL: "Its number",
}
_DATES = (Purpose.DATE, Purpose.DATE_AGAIN)
_WEAK_BITS, _FAIR_BITS = 64, 80  # refused below the first, warned of below the second
_TIGHT_ROWS = 4

_LETTERS = ("2abc 3def", "4ghi 5jkl", "6mno 7pqrs", "8tuv 9wxyz")  # the keypad need not be printed with them
_LETTERS_COLUMN = 11
_MAX_DIGITS = 5  # of a word, before its candidates are few enough


def _draw_entry(canvas: Canvas, purpose: Purpose, entry: EntryView, stuck: tuple[str, ...]) -> None:
    if entry.shown is not None:
        _show_all(canvas, entry.shown)
        return
    # Left-aligned and with few moving parts: every byte that a key press changes goes over a slow bus.
    name = _entry_name(purpose, entry)
    canvas.title(name).text(0, _entry_line(entry, COLUMNS - len(name) - 1), column=len(name) + 1)
    if entry.legend:
        canvas.tight(entry.legend)
    else:
        canvas.tight(_choices(entry), rows=TIGHTEST_Y)
        if entry.mode is not Mode.DIGITS:
            canvas.tight(_LETTERS, column=_LETTERS_COLUMN, rows=TIGHTEST_Y)
    canvas.keys(_hint(purpose, entry, stuck), _back(entry))


def _entry_name(purpose: Purpose, entry: EntryView) -> str:
    """Return what the title calls the entry."""
    if purpose in _DATES:
        return "DATE"
    if purpose is Purpose.SEAL:
        return "SEAL"
    if entry.mode is Mode.WORDS:
        return f"WORD {entry.position}" + (f" of {entry.total}" if entry.total else "")
    return f"TEXT {entry.layer}" if entry.mode is Mode.TEXT else "DIGITS"


def _entry_line(entry: EntryView, columns: int) -> str:
    """Return as much of the line as fits: of words all places or the digits alone, of text its end."""
    if entry.mode is not Mode.WORDS:
        return entry.line[-columns:]
    # All stars or none, as fewer would say something else than the number; later letters move nothing.
    room = max(0, _MAX_DIGITS - len(entry.typed)) if entry.typed else 0  # some words need more
    return entry.line if len(entry.line) + room <= columns else f"{entry.typed}_"


def _choices(entry: EntryView) -> tuple[str, ...]:
    """Return what A to D pick: words, or else what they do."""
    if entry.candidates:
        return tuple(f"{key} {word}" for key, word in zip("ABCD", entry.candidates, strict=False))
    return tuple(f"{key} {what}".rstrip() for key, what in entry.choices)


def _back(entry: EntryView) -> str:
    """Return what `*` does."""
    if entry.differs:
        return "*see"
    return "*del" if entry.length or entry.typed else "*back"


def _hint(purpose: Purpose, entry: EntryView, stuck: tuple[str, ...]) -> str:
    """Return what is stuck, wrong or wanted, or what `#` does; of a choice, how strong it is."""
    if stuck:
        return name_stuck(stuck, COLUMNS - len("*back "))
    if entry.unchanged or entry.differs:
        return "nothing changed" if entry.unchanged else f"word {entry.position} differs"
    if entry.missing is not None:
        return f"word {entry.missing} missing"
    if entry.bits is not None and entry.length:
        return _strength(entry.bits, complete=entry.complete)
    if entry.complete:
        return "#done, is full" if entry.full else "#done"
    return "" if entry.length or entry.typed else _WANTED[purpose]


def _strength(bits: int, *, complete: bool) -> str:
    """Return how strong the text is that is being chosen, and that `#` takes it."""
    if bits < _WEAK_BITS:
        return f"{bits} bits: weak"
    return ("#ok " if complete else "") + f"{bits} bits" + (" fair" if bits < _FAIR_BITS else "")


def _show_all(canvas: Canvas, text: str) -> None:
    """Draw the whole text, in words where it fits so, else to the last column of every row."""
    lines = tuple(textwrap.wrap(clean(text), COLUMNS, break_on_hyphens=False))
    if len(lines) <= _TIGHT_ROWS and "  " not in text:
        canvas.title("AS TYPED").tight(lines).keys("let go of D to hide")
        return
    canvas.page(tuple(text[at : at + COLUMNS] for at in range(0, len(text), COLUMNS)))
