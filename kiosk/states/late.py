"""After a correction of the clock: what was signed while it was ahead."""

from dataclasses import dataclass

from kiosk.reports import LateIssue
from kiosk.states.box import Screen


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedAhead(Screen):
    """Certificates that are dated after the true time; held `#` revokes them all, `*` leaves them.

    Args:
        late: What they are.
        page: 0 asks, the others say of which targets they are, three a page.
    """

    holds = "#"

    late: LateIssue
    page: int = 0
