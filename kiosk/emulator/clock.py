"""The emulated clock: let time pass, or set another time."""

from datetime import datetime, timedelta
from typing import ClassVar, Final

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical
from textual.screen import ModalScreen
from textual.widgets import Button, Input, Label

from kiosk.emulator.scenario_language import parse_duration, parse_instant
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
