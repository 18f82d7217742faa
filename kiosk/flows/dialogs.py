"""What many flows say alike: one moment, it is done, an error, a list to pick from, pages to read."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime

from kiosk.flows.flow import Flow, Page, Step
from kiosk.screens.page import Large, QrCode
from kiosk.text.camera import error_text, journal_text, visit_text
from kiosk.text.messages import explain
from kiosk.text.wrap import BODY_ROWS, count_pages, fit, fit_name, page_mark, pages, wrap

MORE = "D more"
_PICKS = ("", "A", "A or B", "A, B or C")
_PLAIN = Page()
_TITLE_COLUMNS = 20  # with the mark, and a column between them


def more(count: int) -> str:
    """Return what D does when there are pages to turn."""
    return MORE if count > 1 else ""


def wait(*lines: str, left: str = "please wait", leave: bool = False) -> Page:
    """Return the page for a request that is quickly answered.

    Args:
        lines: What is being done.
        left: The bottom row.
        leave: `*` may leave it.
    """
    if leave:
        return Page(title="ONE MOMENT", body=lines, left=left, right="*back", takes="*")
    return Page(title="ONE MOMENT", body=lines, left=left)


def tell(title: str, *texts: str) -> Flow:
    """Say that something is over, until a key is pressed or a stick goes in."""
    lines = tuple(line for text in texts for line in wrap(text))[:BODY_ROWS]
    yield Page(title=fit(title), strong=True, body=lines, left="#ok", takes="#*", minds_sticks=True)
    return None


def problem(code: str, text: str = "", *, secretive: bool = False) -> Flow:
    """Say what was refused, what to do, and behind D the error's own words.

    Args:
        code: Of the error.
        text: Its own words.
        secretive: What was typed is kept, to be corrected.
    """
    at, count = 0, explain(code, text).pages
    while (key := (yield replace(problem_page(code, text, at), secretive=secretive))) in ("B", "D"):
        if key == "B":
            yield replace(problem_code(code), secretive=secretive)
        else:
            at = (at + 1) % count
    return None


def problem_code(code: str) -> Page:
    """Return an error for a camera, with what to do; any key leads back."""
    message = explain(code)
    text = error_text(code, message.happened, message.action)
    beside = ("The code,", "and what", "to do, for", "a camera", "*back")
    return Page(body=QrCode(text=text, beside=beside), takes="#*BD")


def problem_page(code: str, text: str, at: int = 0) -> Page:
    """Return one page of an error; 0 has what happened and what to do."""
    message = explain(code, text)
    return Page(
        title=message.code,
        strong=True,
        body=(message.happened, *message.subject, *message.action) if at == 0 else message.details[at - 1],
        left=f"#ok B QR {more(message.pages)}".rstrip(),
        right=page_mark(at, message.pages),
        takes="#*BD",
    )


def pick(
    title: str | Callable[[str], str], names: Sequence[str], page: Page = _PLAIN, *, begin: int = 0
) -> Step[int | None]:
    """Show a list, three a page; return the place of what A, B or C picked, None for `*`.

    Args:
        title: Of every page; or what makes it fit beside a mark such as "2/5".
        names: At most 19 characters each.
        page: What else holds for it.
        begin: The place whose page is shown first: what was picked before, when one comes back.
    """
    at, count = begin // BODY_ROWS, count_pages(len(names))
    while True:
        shown = names[at * BODY_ROWS : (at + 1) * BODY_ROWS]
        mark = "" if isinstance(title, str) else page_mark(at, count)
        key = yield replace(
            page,
            title=title if isinstance(title, str) else title(mark),
            mark=mark,
            body=tuple(f"{letter} {name}" for letter, name in zip("ABC", shown, strict=False)),
            left=more(count) or _PICKS[len(shown)],
            right="*back",
            takes="ABC"[: len(shown)] + "#D*",
            minds_sticks=True,
        )
        if key == "*":
            return None
        if key in ("#", "D"):
            at = (at + 1) % count
        else:
            return at * BODY_ROWS + "ABC".index(key)


def read(shown: Sequence[Page]) -> Step[None]:
    """Let pages be read round and round, by `#` or D, until `*`."""
    at = 0
    while (yield replace(shown[at], takes="#D*", minds_sticks=True)) != "*":
        at = (at + 1) % len(shown)


def read_to_end(shown: Sequence[Page], at: int = 0, *, aside: Sequence[Page] = ()) -> Step[bool]:
    """Have pages read one after the other; False when the first is left with `*`.

    Args:
        shown: At least one; a held `#` ends them, too, where a page takes it.
        at: The page to begin with.
        aside: What D leads to, and back from, where a page takes it.
    """
    while 0 <= at < len(shown):
        key = yield shown[at]
        if key == "hold #":
            return True
        if key == "D":
            yield from read_to_end(aside)
        else:
            at += -1 if key == "*" else 1
    return at > 0


def logbook_codes(sequence: int, head: str, next_visit_by: datetime) -> tuple[Page, ...]:
    """Return the journal's head and the next visit for a camera, so that nobody copies 64 digits by hand.

    Args:
        sequence: Number of the journal's last entry.
        head: Its hash, 64 hex digits.
        next_visit_by: The last day.
    """
    number = fit(f"no {sequence}", 10)
    codes = (
        QrCode(text=journal_text(sequence, head), beside=("JOURNAL", "its head", number, "#next", "*back")),
        QrCode(
            text=visit_text(next_visit_by),
            beside=("NEXT VISIT", "by", f"{next_visit_by:%Y-%m-%d}", "#next", "*back"),
        ),
    )
    return tuple(Page(body=code) for code in codes)


def numbered(shown: Sequence[Page]) -> tuple[Page, ...]:
    """Return pages with their marks, such as "2/5", and titles cut to what these leave."""
    marks = [page_mark(at, len(shown)) for at in range(len(shown))]
    return tuple(
        replace(page, mark=mark, title=_fit_title(page.title, _TITLE_COLUMNS - len(mark)))
        for page, mark in zip(shown, marks, strict=True)
    )


def _fit_title(title: str, columns: int) -> str:
    """Return a title in so many columns: the ending of a key file goes before the middle of its name does."""
    return fit_name(title if len(title) <= columns else title.removesuffix(".pub"), columns)


def large_time(when: datetime) -> Large:
    """Return a date, large, and its time."""
    return Large(text=f"{when:%Y-%m-%d}", below=f"{when:%H:%M} UTC")


def paged(lines: Sequence[str]) -> tuple[tuple[str, ...], ...]:
    """Return lines cut into bodies of three."""
    return pages(tuple(lines))
