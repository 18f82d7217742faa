"""The words of a drill."""

from kiosk.screens.canvas import Canvas
from kiosk.screens.paint import View, paint
from kiosk.states import DrillChecking, DrillMenu, DrillWrong
from kiosk.text.wrap import fit


@paint.register
def _(state: DrillMenu, canvas: Canvas, _view: View) -> None:
    canvas.title("DRILL WORDS")
    canvas.body(("A type six words", fit(f"B read {state.stick.label or 'the stick'}")))
    canvas.keys("A or B", "*back")


@paint.register
def _(_state: DrillChecking, canvas: Canvas, _view: View) -> None:
    canvas.title("ONE MOMENT").body(("Looking for a backup", "with these words."))
    canvas.keys("please wait")


@paint.register
def _(state: DrillWrong, canvas: Canvas, _view: View) -> None:
    canvas.title("E-DRILL", strong=True)
    tries = f"{state.wrong} tries" if state.wrong > 1 else "Nothing has changed"
    canvas.body(("No backup waits for", "these words.", tries))
    canvas.keys("#correct", "*give up")
