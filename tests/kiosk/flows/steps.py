"""Driving the machine by hand: keys, news and answers in, pages and effects out."""

from typing import Any, Self

from msgspec.structs import replace

from core.api.requests import Recognize
from core.api.results import Recognized
from core.progress import Progress
from hw.ports import KeyPressed, KeyReleased, Stick, StickInserted, StickRemoved
from kiosk.entry.buffers import EntryFinished, EntryLeft
from kiosk.flows.box import Box
from kiosk.machine.auto_lock import WARN_S
from kiosk.machine.effects import Effect, Perform, Timer
from kiosk.machine.events import Event, TimerFired
from kiosk.machine.machine import Machine, Vault
from kiosk.screens.page import Entry, Page, Shown, Work
from kiosk.work.worker import Answer, Progressed
from tests.kiosk.facts import SESSION, failed

HELD = TimerFired(Timer.HOLD)
DONE = EntryFinished()
LEFT = EntryLeft()


def title_of(shown: Shown) -> str:
    """Return what stands in the top row; the large text where there is none; WORK or the purpose else."""
    match shown:
        case Page(title="", body=body):
            return getattr(body, "text", type(body).__name__)
        case Page(title=title):
            return title
        case Work():
            return "WORK"
        case Entry(purpose=purpose):
            return purpose.value


class Operator:
    """A machine at some point, and what it asked of the daemon since the last `forget`.

    Args:
        box: What is known at first; the vault runs where a page wants it.
    """

    def __init__(self, box: Box) -> None:
        self.machine = Machine(box.settings)
        known = self.machine.box
        for name in ("sticks", "ignored", "provisioned", "session", "clock"):
            setattr(known, name, getattr(box, name))
        self.machine.vault = Vault.OPEN
        self.machine._flow = self.machine._rest()
        self.effects: list[Effect] = list(self.machine.start())

    @property
    def box(self) -> Box:
        return self.machine.box

    @property
    def shown(self) -> Shown:
        return self.machine.shown

    @property
    def page(self) -> Page:
        assert isinstance(self.shown, Page), self.shown
        return self.shown

    @property
    def title(self) -> str:
        return title_of(self.shown)

    @property
    def lines(self) -> tuple[str, ...]:
        body = self.page.body
        assert isinstance(body, tuple)
        return body

    def forget(self) -> Self:
        self.effects.clear()
        return self

    def happen(self, *events: Event | str) -> Self:
        """Let events happen; a string is keys pressed and released."""
        for event in events:
            if isinstance(event, str):
                for key in event:
                    self.effects += self.machine.step(KeyPressed(key))
                    self.effects += self.machine.step(KeyReleased(key))
            else:
                self.effects += self.machine.step(event)
        return self

    def hold(self, key: str) -> Self:
        return self.happen(KeyPressed(key), HELD, KeyReleased(key))

    def put_in(self, stick: Stick) -> Self:
        return self.happen(StickInserted(stick))

    def pull(self, stick: Stick) -> Self:
        return self.happen(StickRemoved(stick.identity))

    @property
    def orders(self) -> list[Perform]:
        return [effect for effect in self.effects if isinstance(effect, Perform)]

    def asked(self, request: type[Any]) -> dict[str, Any]:
        """Return the fields of the last request, which is of that type."""
        assert self.orders, "nothing was asked"
        assert self.orders[-1].request is request, self.orders[-1]
        return dict(self.orders[-1].fields)

    def answer(self, result: Any) -> Self:
        """Answer the last request."""
        return self.happen(Answer(self.orders[-1].ticket, result))

    def written_down(self) -> Self:
        """Answer with the words by which the box is known, and have them written down."""
        self.asked(Recognize)
        self.answer(Recognized(words=("cradle", "orbit")))
        assert self.title == "ON THE PAPER, TOO"
        return self.happen("#")

    def refuse(self, code: str, text: str = "", **more: int) -> Self:
        return self.answer(failed(code, text, **more))

    def progress(self, progress: Progress, step: int = 1) -> Self:
        return self.happen(Progressed(ticket=self.orders[-1].ticket, progress=progress, step=step))

    def seconds(self, count: int, name: Timer = Timer.TICK) -> Self:
        return self.happen(*[TimerFired(name)] * count)

    def lock_by_idleness(self) -> Self:
        return self.happen(TimerFired(Timer.LOCK)).seconds(WARN_S, Timer.COUNT)


def unlock(operator: Operator, **fields: Any) -> Operator:
    """Type the passphrase, which is right."""
    return operator.happen("#", DONE).answer(replace(SESSION, **fields))
