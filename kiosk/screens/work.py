"""A job, its end, and making a stick."""

from kiosk.result_lines import result_lines
from kiosk.rules.sticks import labels
from kiosk.screens.canvas import Canvas
from kiosk.screens.paint import View, more, paint
from kiosk.screens.rest import size_of
from kiosk.states import ConfirmFormat, Formatting, PickLabel, PulledEarly, SafeToRemove, Working
from kiosk.text.wrap import BODY_ROWS, count_pages, fit

_MINUTE_S = 60


def step_title(number: int, steps: tuple[str, ...]) -> str:
    """Return "2/3 EXPORT main-kudo": the verb in capitals, the name as it is written."""
    verb, _, name = steps[number - 1].partition(" ") if 1 <= number <= len(steps) else ("", "", "")
    return fit(f"{number}/{len(steps)} {verb.upper()} {name}".rstrip())


def time_left(seconds: int | None) -> str:
    """Return the estimate in words; nothing while there is none."""
    if seconds is None:
        return ""
    if seconds < _MINUTE_S:
        return f"about {max(1, seconds)} s left"
    return f"about {round(seconds / _MINUTE_S)} min left"


@paint.register
def _(state: Working, canvas: Canvas, _view: View) -> None:
    progress = state.progress
    if progress is None:
        canvas.title(step_title(1, state.steps)).text(1, "starting")
    else:
        canvas.title(step_title(progress.step, state.steps))
        if progress.total:
            canvas.text(1, fit(f"{progress.what} {progress.done} of {progress.total}"))
            canvas.bar(2, progress.done / progress.total)
        else:
            canvas.text(1, fit(progress.what))
        canvas.text(3, "stops after this one" if state.stopping else time_left(progress.seconds_left))
    warning = "do not pull" if state.stick is not None else "do not unplug"
    canvas.keys(warning, "" if state.stopping else "*=stop")


@paint.register
def _(state: PulledEarly, canvas: Canvas, _view: View) -> None:
    canvas.title("E-STICK-GONE", strong=True)
    there = state.box.stick
    if there is not None and there.label != state.stick.label:
        canvas.body(
            ("This one is", fit(there.label or "another one"), f"Put in {fit(state.stick.label, 14)}")
        )
    else:
        canvas.body(("Pulled too early.", "Put it in again:", fit(f"same job, {state.stick.label}")))
    canvas.keys("", "*give up")


@paint.register
def _(state: SafeToRemove, canvas: Canvas, _view: View) -> None:
    lines = result_lines(state.results)
    pages = count_pages(len(lines))
    canvas.title("SAFE TO REMOVE", strong=True)
    canvas.body(lines[state.page * BODY_ROWS : (state.page + 1) * BODY_ROWS])
    canvas.keys("pull it now" if pages > 1 else "pull the stick now", more(pages))


@paint.register
def _(state: PickLabel, canvas: Canvas, _view: View) -> None:
    choices = labels(state.box)
    first = state.page * BODY_ROWS
    canvas.title("ERASE AND NAME IT")
    shown = zip("ABC", choices[first : first + BODY_ROWS], strict=False)
    canvas.body(tuple(f"{key} {fit(label, 19)}" for key, label in shown))
    canvas.keys(more(count_pages(len(choices))) or "A, B or C", "*back")


@paint.register
def _(state: ConfirmFormat, canvas: Canvas, _view: View) -> None:
    canvas.title("ERASE THE STICK?", strong=True)
    found = f"{state.stick.label or 'unnamed'} {size_of(state.stick)}"
    canvas.body((fit(found), "All on it is lost.", f"Then: {fit(state.label, 15)}"))
    canvas.keys("#hold: erase", "*back")


@paint.register
def _(state: Formatting, canvas: Canvas, _view: View) -> None:
    canvas.title("ERASING")
    canvas.body(("Making it", fit(state.label)))
    canvas.keys("do not pull")
