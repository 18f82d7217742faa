"""The switch of the box: systemd powers it off or restarts it.

Rule: a call that returns means that systemd has taken the job; the box goes on until it is stopped.
"""

from collections.abc import Sequence

from hw.errors import PowerError
from hw.system.command import run_command


class SystemPower:
    """The machine's power, by systemctl.

    Args:
        command: Does what the word that is appended to it says: `poweroff` or `reboot`.
    """

    def __init__(self, command: Sequence[str] = ("systemctl", "--no-ask-password", "--no-wall")) -> None:
        self._command = tuple(command)

    def off(self) -> None:
        """Shut the box down.

        Raises:
            PowerError: Refused.
        """
        self._run("poweroff")

    def restart(self) -> None:
        """Restart the box.

        Raises:
            PowerError: Refused.
        """
        self._run("reboot")

    def _run(self, word: str) -> None:
        """Run the command with that word."""
        run_command((*self._command, word), lambda why: PowerError(f"{word} is refused: {why}"))
