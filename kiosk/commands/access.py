"""How a command gets at the unlocked authority: which state, whose passphrase, which date is confirmed."""

import functools
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from hw.system.clock import SystemClock
from kiosk.commands.options import passphrase_option, read_passphrase, say, state_option

if TYPE_CHECKING:
    from core.authority.authority import Authority

_confirm_date_option = click.option(
    "--confirm-date",
    metavar="YYYY-MM-DD",
    help="Today's date, where the journal speaks against the clock.",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """The options --state, --passphrase-file and --confirm-date of one command.

    Args:
        state: The state folder.
        passphrase_file: See kiosk.commands.options.read_passphrase.
        confirm_date: Today's date as the operator vouches for it; None when not given.
        now: Sampled once for the whole command, aware UTC.
    """

    state: Path
    passphrase_file: Path | None
    confirm_date: str | None
    now: datetime

    def read_passphrase(self) -> bytes:
        """Return the passphrase, read or asked for; once a command, since standard input has it only once."""
        return read_passphrase(self.passphrase_file)

    @contextmanager
    def unlocked(self, passphrase: bytes | None = None) -> Iterator["Authority"]:
        """Unlock the authority for the length of a block that acts; a late visit is confirmed first.

        Args:
            passphrase: As for `reading`.

        Raises:
            ClockError: The time is not believed (E-CLOCK-BEHIND, E-CLOCK-AHEAD), or nobody
                confirms one that is late (E-CLOCK-LATE).
            CaError: As for `reading`.
        """
        with self.reading(passphrase) as authority:
            self._confirm_late(authority)
            yield authority

    @contextmanager
    def reading(self, passphrase: bytes | None = None) -> Iterator["Authority"]:
        """Unlock the authority for the length of a block that only reads.

        Args:
            passphrase: Where the command has read it already; None: it is read now.

        Raises:
            CaError: As core.authority.authority.Authority.unlock.
        """
        from core.authority.authority import Authority
        from core.crypto.process import harden_process, read_boot

        harden_process()
        passphrase = self.read_passphrase() if passphrase is None else passphrase
        authority = Authority.unlock(self.state.absolute(), passphrase, self.now, read_boot())
        try:
            if self.confirm_date is not None:
                self._correct_clock(authority)
            yield authority
        finally:
            authority.close()

    def _confirm_late(self, authority: "Authority") -> None:
        """Refuse a time that is not believed, unless it is only late and somebody confirms it."""
        from core.errors import ClockLateError

        try:
            authority.believe(self.now)
        except ClockLateError as error:
            if not sys.stdin.isatty():
                hint = f"if this is the time: --confirm-date {self.now:%Y-%m-%d}"
                raise ClockLateError(f"{error}; {hint}") from None
            say(f"{error} (UTC)")
            click.confirm("Is this the time?", abort=True, err=True)
            authority.correct_clock(self.now)

    def _correct_clock(self, authority: "Authority") -> None:
        if self.confirm_date != f"{self.now:%Y-%m-%d}":
            raise click.BadParameter(f"the clock says {self.now:%Y-%m-%d}", param_hint="--confirm-date")
        for signer in authority.correct_clock(self.now).issued_after:
            say(f"issued after this date: {signer.path} lane {signer.lane} {signer.period} {signer.id}")


def access_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the three options, as one argument `access`."""

    @state_option
    @passphrase_option
    @_confirm_date_option
    @functools.wraps(command)
    def with_access(
        *, state: Path, passphrase_file: Path | None, confirm_date: str | None, **others: Any
    ) -> Any:
        access = Access(
            state=state, passphrase_file=passphrase_file, confirm_date=confirm_date, now=SystemClock().now()
        )
        return command(access=access, **others)

    return with_access
