"""A stick that brings a policy: config.yaml in its root, and the key files that it names, wherever they lie.

Rules: only these files are read, within bounds; whatever else is on the stick, beside them too, is left
alone. The vault reads them as strictly as files of its own, and refuses what is missing or no config.
"""

from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from core.api.requests import BringPolicy
from core.api.results import PolicyProposal
from core.errors import ConfigError
from hw.errors import StickMissingError, StickNameError, StickSizeError
from hw.fat.volume import FatVolume
from hw.ports import Stick
from kiosk.work.task import Task, Tools

CONFIG: Final = "config.yaml"
MAX_CONFIG_BYTES: Final = 256 * 1024
MAX_KEY_BYTES: Final = 16 * 1024
MAX_KEYS: Final = 100
_MAX_ALIKE: Final = 3


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
        StickSizeError: A file is larger than it may be, or it names too many (E-STICK-SIZE).
        StickFormatError, StickGoneError, StickIoError: As FatVolume.get.
    """
    config = _get_config(volume)
    names = _named_keys(config)
    if len(names) > MAX_KEYS:
        raise StickSizeError(f"{CONFIG} names {len(names)} key files; at most {MAX_KEYS} are taken")
    keys: dict[str, bytes] = {}
    for name in names:
        with suppress(StickMissingError, StickNameError):  # which recipient it is of, the vault says
            keys[name] = volume.get(name, MAX_KEY_BYTES)
    return config, keys


def _get_config(volume: FatVolume) -> bytes:
    """Return config.yaml; where there is none, what may be meant for it is named."""
    try:
        return volume.get(CONFIG, MAX_CONFIG_BYTES)
    except StickMissingError:
        stem, _, _ = CONFIG.partition(".")
        alike = [
            item.name for item in volume.list() if item.name.lower().startswith(stem) and not item.folder
        ]
        if not alike:
            raise
    raise StickMissingError(
        f"there is no file {CONFIG} on the stick; rename {' or '.join(alike[:_MAX_ALIKE])}"
    )


def _named_keys(config: bytes) -> tuple[str, ...]:
    """Return the key files that a config names; none where it cannot be read, which the vault then says."""
    from core.policy.config import parse_config
    from core.policy.policy import key_files

    try:
        return key_files(parse_config(config, CONFIG))
    except ConfigError:
        return ()
