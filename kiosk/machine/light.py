"""The panel's light: dim when nobody acts, its picture moved once a minute, then off; bright at an act.

Waking sends a panel everything anew, in case it lost its set-up meanwhile.
"""

from enum import StrEnum
from typing import Final

from core.policy.settings import Kiosk
from kiosk.machine.effects import Blank, CancelTimer, Dim, Effects, SetTimer, Timer, Wake

MOVE_S: Final = 60
BLANK_AFTER_DIM_S: Final = 240


class Glass(StrEnum):
    """How the panel stands."""

    BRIGHT = "bright"
    DIM = "dim"
    BLANK = "blank"


class Light:
    """What the panel's glass is like.

    Args:
        settings: Of config.yaml; after `dim_after_s` idle seconds it dims.

    Attributes:
        glass: How it stands.
        shift: How often the picture was moved since it was dimmed, so that nothing burns in.
    """

    def __init__(self, settings: Kiosk) -> None:
        self._settings = settings
        self.glass = Glass.BRIGHT
        self.shift = 0

    def fade(self, timer: Timer, *, stays_on: bool) -> Effects:
        """Dim the panel, move its picture, or turn it off.

        Args:
            timer: DIM or BLANK, which ran out.
            stays_on: Something works: the panel is dimmed, but not turned off.
        """
        match timer, self.glass:
            case Timer.DIM, Glass.BRIGHT:
                self.glass = Glass.DIM
                return (Dim(), SetTimer(Timer.DIM, MOVE_S), SetTimer(Timer.BLANK, BLANK_AFTER_DIM_S))
            case Timer.DIM, Glass.DIM:
                self.shift += 1
                return (SetTimer(Timer.DIM, MOVE_S),)
            case Timer.BLANK, Glass.DIM if stays_on:
                return (SetTimer(Timer.BLANK, BLANK_AFTER_DIM_S),)
            case Timer.BLANK, Glass.DIM:
                self.glass = Glass.BLANK
                return (Blank(), CancelTimer(Timer.DIM))
        return ()

    def brighten(self, *, anew: bool) -> Effects:
        """Make the panel bright, and let it dim when nobody acts from now on.

        Args:
            anew: Wake it although it is bright.
        """
        dim = SetTimer(Timer.DIM, self._settings.dim_after_s)
        if self.glass is Glass.BRIGHT:
            return (Wake(), dim) if anew else (dim,)
        self.glass = Glass.BRIGHT
        self.shift = 0
        return (Wake(), CancelTimer(Timer.BLANK), dim)
