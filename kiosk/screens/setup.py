"""Boot and first set-up."""

from kiosk.daemon.first_light import paint_start
from kiosk.entry.buffers import ProposalView
from kiosk.reports import POLICY_LABEL
from kiosk.review import (
    WORD_PAGES,
    count_review_pages,
    difference_pages,
    fingerprint_lines,
    source_lines,
)
from kiosk.screens.canvas import Canvas
from kiosk.screens.paint import View, page_mark, paint, paint_time
from kiosk.states import (
    PROPOSED_WORDS,
    WORDS_PER_PAGE,
    Boot,
    ChoosePassphrase,
    ConfirmDate,
    Creating,
    Mismatch,
    ProposedWords,
    Review,
    SetUpDone,
    Welcome,
)
from kiosk.text.wrap import clean, fit


@paint.register
def _(_state: Boot, canvas: Canvas, _view: View) -> None:
    paint_start(canvas)


@paint.register
def _(state: Welcome, canvas: Canvas, _view: View) -> None:
    canvas.title("FIRST SET-UP")
    bringing = any(stick.label == POLICY_LABEL for stick in state.box.sticks)
    brought = (f"{POLICY_LABEL} is in:", "its policy is used.")
    canvas.body(("It is not set up yet.", *(brought if bringing else ("Have paper and a pen", "at hand."))))
    canvas.keys("#begin", "D menu")


@paint.register
def _(state: ConfirmDate, canvas: Canvas, _view: View) -> None:
    canvas.title("IS THIS THE TIME?")
    paint_time(canvas, state.now)
    canvas.keys("#yes   A set", "*back")


@paint.register
def _(state: Review, canvas: Canvas, _view: View) -> None:
    pages = count_review_pages(state.proposal)
    source, differences = source_lines(state.proposal), difference_pages(state.proposal)
    mark = page_mark(state.page, pages)
    page = state.page - bool(source)
    recipient, half = divmod(page - len(differences), WORD_PAGES)
    go_on = "#same words"
    if page < 0:
        canvas.title(fit(f"FROM {state.proposal.source}", 20 - len(mark)), mark).lines(source)
        go_on = "#next"
    elif page < len(differences):
        canvas.title("POLICY CHANGES", mark).lines(differences[page])
        go_on = "#next"
    elif recipient < len(state.proposal.recipients):
        row = state.proposal.recipients[recipient]
        canvas.title(fit(f"{row.use} {row.name}", 20 - len(mark)), mark)
        canvas.body(fingerprint_lines(row.words, half))
    else:
        canvas.title("POLICY").text(1, "Nothing differs")
    if state.page == pages - 1 and not state.setup:
        go_on = "#hold: approve" if differences else "#done"
    canvas.keys(go_on, "*back")


@paint.register
def _(state: ChoosePassphrase, canvas: Canvas, _view: View) -> None:
    canvas.title("NEW PASSPHRASE" if state.change else "PASSPHRASE")
    canvas.body(("A eight random words,", "  the safe choice", "B words of your own"))
    canvas.keys("A or B", "*back")


@paint.register
def _(state: ProposedWords, canvas: Canvas, view: View) -> None:
    first = state.page * WORDS_PER_PAGE
    canvas.title("WRITE DOWN", f"{first + 1}-{first + WORDS_PER_PAGE} of {PROPOSED_WORDS}")
    words = view.words if isinstance(view, ProposalView) else ()
    numbered = [f"{first + n} {word:<9}" for n, word in enumerate(words[first : first + WORDS_PER_PAGE], 1)]
    canvas.body(("".join(numbered[:2]).rstrip(), "".join(numbered[2:]).rstrip(), "On paper, in order"))
    canvas.keys("#next  D other", "*back")


@paint.register
def _(state: Mismatch, canvas: Canvas, _view: View) -> None:
    canvas.title("NOT THE SAME", strong=True)
    canvas.body(("What you typed is not", "what it should be.", "Check it on paper."))
    canvas.keys("#again", "*see words" if state.proposed else "*start over")


@paint.register
def _(state: Creating, canvas: Canvas, _view: View) -> None:
    canvas.title("SETTING UP")
    progress = state.progress
    if progress is None:
        canvas.text(1, "Making the keys")
    else:
        canvas.text(1, fit(clean(progress.what)))
        if progress.total:
            canvas.bar(2, progress.done / progress.total)
    canvas.keys("do not unplug")


@paint.register
def _(_state: SetUpDone, canvas: Canvas, _view: View) -> None:
    canvas.title("SET-UP IS DONE", strong=True)
    canvas.body(("The box is locked", "again. Next: put in a", "stick to export."))
    canvas.keys("#ok")
