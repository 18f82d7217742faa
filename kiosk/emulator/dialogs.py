"""What the front asks a person: what the clock shall do, and which stick goes in and how it fails."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import ClassVar, Final

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical
from textual.screen import ModalScreen
from textual.widgets import Button, Input, Label, OptionList, RadioButton, RadioSet
from textual.widgets.option_list import Option

from hw.sticks.emulated import Faults
from kiosk.emulator.scenario_language import parse_duration, parse_faults, parse_instant
from kiosk.emulator.widgets import EMULATION

_SPANS: Final = (
    ("1m", "1 minute"),
    ("5m", "5 minutes"),
    ("1d", "1 day"),
    ("30d", "30 days"),
    ("90d", "90 days"),
)


class ClockScreen(ModalScreen[timedelta | datetime | None]):
    """Asks for a duration to let pass, or a time to set.

    Args:
        now: What the clock shows.
    """

    BINDINGS: ClassVar[list[BindingType]] = [("escape", "cancel", "Back")]
    AUTO_FOCUS = "#span-1m"

    def __init__(self, now: datetime) -> None:
        super().__init__()
        self._now = now

    def compose(self) -> ComposeResult:
        """Lay out the two ways."""
        with Vertical(classes="dialog") as dialog:
            dialog.border_title = f"{EMULATION}: the clock of the box"
            yield Label("Let time pass; the box lives through it:")
            with Horizontal(classes="buttons"):
                for span, text in _SPANS:
                    yield Button(text, id=f"span-{span}")
            yield Label("Or set another time (UTC), as a dead battery would; Enter sets it:")
            yield Input(f"{self._now:%Y-%m-%d %H:%M:%S}", id="instant")
            yield Label("", id="complaint")
            yield Button("Back", id="back")

    def on_button_pressed(self, event: Button.Pressed) -> None:
        """Let that time pass, or go back."""
        kind, _, span = (event.button.id or "").partition("-")
        self.dismiss(parse_duration(span) if kind == "span" else None)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Set that time."""
        try:
            self.dismiss(parse_instant(event.value.strip()))
        except ValueError as error:
            self.query_one("#complaint", Label).update(str(error))

    def action_cancel(self) -> None:
        """Leave the clock alone."""
        self.dismiss(None)


_MANNERS: Final = (
    ("", "good"),
    ("full", "full"),
    ("read-only", "write-protected"),
    ("lying", "lying: forgets writes"),
    ("altering", "lying: changes one bit"),
    ("dying", "dying: takes no more writes"),
    ("yank", "pulled after this many bytes:"),
)
_YANK: Final = len(_MANNERS) - 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """A stick to be put in.

    Args:
        image: An image that is there; None for a new one.
        label: Of the new one; "" for none.
        faults: How it fails.
        blank: The new one has no filesystem, as from a drawer.
    """

    image: Path | None
    label: str
    faults: Faults
    blank: bool = False


class SlotScreen(ModalScreen[Choice | None]):
    """Asks for a stick.

    Args:
        images: Those in the folder that are not in the slot.
        labels: Those that the box knows.
    """

    BINDINGS: ClassVar[list[BindingType]] = [("escape", "cancel", "Back")]
    AUTO_FOCUS = "#stick"

    def __init__(self, images: tuple[Path, ...], labels: tuple[str, ...]) -> None:
        super().__init__()
        self._images = images
        self._labels = labels

    def compose(self) -> ComposeResult:
        """Lay out the two questions."""
        with Vertical(classes="dialog") as dialog:
            dialog.border_title = f"{EMULATION}: put a stick in"
            with Horizontal(classes="questions"):
                with Vertical():
                    yield Label("Which one? Enter puts it in")
                    yield OptionList(
                        *(Option(image.name, id=f"image-{n}") for n, image in enumerate(self._images)),
                        *(Option(f"new stick {label}", id=f"new-{label}") for label in self._labels),
                        Option("new stick without a label", id="new-"),
                        Option("new stick, blank", id="blank-"),
                        id="stick",
                        markup=False,
                    )
                    yield Input(placeholder="new stick, other label", id="label", max_length=11)
                with Vertical():
                    yield Label("What is wrong with it?")
                    yield RadioSet(
                        *(RadioButton(text, value=not name) for name, text in _MANNERS),
                        id="manner",
                    )
                    yield Input("100000", id="bytes", type="integer", max_length=9)
            yield Button("Back", id="back")

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Put that stick in."""
        kind, _, rest = (event.option.id or "").partition("-")
        image = self._images[int(rest)] if kind == "image" else None
        label = rest if kind == "new" else ""
        self.dismiss(Choice(image=image, label=label, faults=self._faults(), blank=kind == "blank"))

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Put a new stick of that label in."""
        label = self.query_one("#label", Input).value.strip()
        if event.input.id == "label" and label:
            self.dismiss(Choice(image=None, label=label, faults=self._faults()))

    def on_button_pressed(self) -> None:
        """Leave the slot as it is."""
        self.dismiss(None)

    def action_cancel(self) -> None:
        """Leave the slot as it is."""
        self.dismiss(None)

    def _faults(self) -> Faults:
        picked = self.query_one("#manner", RadioSet).pressed_index
        if picked == _YANK:
            return parse_faults(f"yank:{self.query_one('#bytes', Input).value or '0'}")
        name = _MANNERS[picked][0]
        return parse_faults(name) if name else Faults()
