"""Orders to the worker: an effect with the secrets of its request, and what a refusal of it means.

Rule: a secret is copied out of the entries when the effect is submitted, and shown by no repr.
"""

from dataclasses import dataclass, field

from core.api import wire
from core.errors import StoppedError
from kiosk import effects as fx
from kiosk import events as ev
from kiosk import rescue_effects as rx
from kiosk.entry.buffers import Entries


@dataclass(frozen=True, slots=True)
class Order:
    """An effect and the secrets that its request carries."""

    effect: fx.Effect
    secrets: tuple[bytes, ...] = field(default=(), repr=False)


def make_order(effect: fx.Effect, entries: Entries) -> Order:
    """Return an order with copies of the secrets that the effect needs."""
    match effect:
        case fx.Unlock():
            return Order(effect, (entries.secret(fx.Purpose.UNLOCK),))
        case fx.RecordDrill():
            return Order(effect, (entries.secret(fx.Purpose.DRILL),))
        case fx.Create() | rx.Restore():
            return Order(effect, (entries.new_secret(),))
        case fx.ChangePassphrase():
            return Order(effect, (entries.secret(fx.Purpose.CURRENT), entries.new_secret()))
        case rx.OpenIdentity():
            return Order(effect, (entries.typed(fx.Purpose.IDENTITY),))
        case _:
            return Order(effect)


def explain_refusal(effect: fx.Effect, failed: wire.Failed) -> ev.Event:
    """Return what a refusal by the vault means for the effect that asked."""
    if failed.code == "E-BUG":
        return ev.Bug()
    if failed.code == StoppedError.code:
        return ev.Stopped()
    if isinstance(effect, fx.Unlock | fx.ChangePassphrase):
        return ev.UnlockRefused(failed.code, failed.text, failed.wait_s, failed.failed_attempts)
    return ev.JobFailed(failed.code, failed.text)
