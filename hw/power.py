"""The switch of the box: systemd powers it off or restarts it.

Rule: a call that returns means that systemd has taken the job; the box goes on until it is stopped.
"""

import subprocess
from collections.abc import Sequence

from hw.ports import PowerError

_TIMEOUT_S = 30.0


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
        self._ask("poweroff")

    def restart(self) -> None:
        """Restart the box.

        Raises:
            PowerError: Refused.
        """
        self._ask("reboot")

    def _ask(self, word: str) -> None:
        """Run the command with that word."""
        try:
            done = subprocess.run(
                [*self._command, word],
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=_TIMEOUT_S,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise PowerError(f"{word} is refused: {error}") from error
        if done.returncode != 0:
            said = " ".join(done.stderr.decode("utf-8", "replace").split())
            raise PowerError(f"{word} is refused: {said or f'status {done.returncode}'}")
