"""A stick that brings a policy: config.yaml in its root, its recipients' key files in `keys`.

Rules: only these files are read, within bounds; nothing is looked into here. The vault reads them as strictly
as files of its own, and refuses what is missing.
"""

from dataclasses import dataclass
from typing import Final

from core.api.requests import BringPolicy
from core.api.results import PolicyProposal
from hw.errors import StickMissingError, StickSizeError
from hw.fat.volume import FatVolume
from hw.ports import Stick
from kiosk.work.task import Task, Tools

CONFIG: Final = "config.yaml"
KEYS: Final = "keys"
MAX_CONFIG_BYTES: Final = 256 * 1024
MAX_KEY_BYTES: Final = 16 * 1024
MAX_KEYS: Final = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadPolicy(Task):
    """Have the vault resolve the config.yaml that a stick brings. Result: core.api.results.PolicyProposal."""

    stick: Stick

    def run(self, tools: Tools) -> PolicyProposal:
        """Read the stick, and hand the bytes to the vault."""
        with tools.board.open_volume(self.stick) as volume:
            config, keys = read_policy_stick(volume)
        return tools.vault.ask(BringPolicy(config=config, keys=keys), PolicyProposal)


def read_policy_stick(volume: FatVolume) -> tuple[bytes, dict[str, bytes]]:
    """Return config.yaml, and the key files by their paths.

    Args:
        volume: Open.

    Raises:
        StickMissingError: There is no config.yaml (E-STICK-MISSING).
        StickSizeError: A file is larger than it may be, or there are too many (E-STICK-SIZE).
        StickNameError, StickFormatError, StickGoneError, StickIoError: As FatVolume.get.
    """
    config = volume.get(CONFIG, MAX_CONFIG_BYTES)
    try:
        items = volume.list(KEYS)
    except StickMissingError:
        return config, {}  # every recipient may stand in config.yaml itself
    # What begins with a dot is what other systems leave on a stick unasked.
    names = [item.name for item in items if not item.folder and not item.name.startswith(".")]
    if len(names) > MAX_KEYS:
        raise StickSizeError(f"{KEYS} holds {len(names)} files; at most {MAX_KEYS} are taken")
    return config, {f"{KEYS}/{name}": volume.get(f"{KEYS}/{name}", MAX_KEY_BYTES) for name in names}
