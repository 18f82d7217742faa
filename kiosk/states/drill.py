"""The words of a drill: typed, or brought on a stick.

They are no secret, but they are typed as a passphrase is, and somebody may type the wrong one of the two. So
they are kept, shown and wiped in the same way.
"""

from dataclasses import dataclass

from hw.ports import Stick
from kiosk.states.box import Screen


@dataclass(frozen=True, slots=True, kw_only=True)
class DrillMenu(Screen):
    """A stick is in that may hold the words: A types them, B reads the stick.

    Args:
        stick: Which.
    """

    stick: Stick


@dataclass(frozen=True, slots=True, kw_only=True)
class DrillChecking(Screen):
    """The vault looks for the backup that the words are of.

    Args:
        wrong: How many tries were wrong since the menu.
    """

    secretive = True
    busy = True

    wrong: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class DrillWrong(Screen):
    """No backup waits for these words: they may be corrected.

    Args:
        wrong: How many tries were wrong since the menu.
    """

    secretive = True

    wrong: int
