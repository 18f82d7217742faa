"""A stick that brings a policy: config.yaml in its root, its recipients' key files in `keys`.

Rules: only these files are read, within bounds; nothing is looked into here. The vault reads them as strictly
as files of its own, and refuses what is missing.

Where a policy lies while it is reviewed: the box's own, or one that a stick brought.

Owns what was shown last, which is what can be approved, and keeps the table of sticks of a policy in force
(kiosk.daemon.kept_sticks). It decides nothing: the vault reads, pins and refuses.
"""

from datetime import datetime
from pathlib import Path
from typing import Final

from core.api import requests as pr
from core.api import results as rs
from core.errors import PolicyError
from hw.errors import StickMissingError, StickSizeError
from hw.fat.volume import FatVolume
from kiosk.daemon.kept_sticks import keep_sticks
from kiosk.reports import POLICY_LABEL, Proposal, Session
from kiosk.translate import to_proposal, to_session
from kiosk.work.session import Session as Vault

CONFIG: Final = "config.yaml"
KEYS: Final = "keys"
MAX_CONFIG_BYTES: Final = 256 * 1024
MAX_KEY_BYTES: Final = 16 * 1024
MAX_KEYS: Final = 100


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


class PolicyDesk:
    """The policy under review of one worker.

    Args:
        own: Folder of the kiosk's own file.
    """

    def __init__(self, own: Path) -> None:
        self._own = own
        self._shown: rs.PolicyProposal | None = None

    def ask(self, vault: Vault) -> Proposal:
        """Return what the box's config.yaml says."""
        self._shown = None  # what comes now, or nothing, can be approved
        self._shown = vault.ask(pr.AskPolicy(), rs.PolicyProposal)
        return to_proposal(self._shown)

    def bring(self, vault: Vault, volume: FatVolume) -> Proposal:
        """Return what the config.yaml of a stick says."""
        self._shown = None
        config, keys = read_policy_stick(volume)
        self._shown = vault.ask(pr.BringPolicy(config=config, keys=keys), rs.PolicyProposal)
        return to_proposal(self._shown, POLICY_LABEL)

    def found(self, vault: Vault, passphrase: bytes, now: datetime) -> Session:
        """Found the authority with the policy that was shown."""
        request = pr.Init(passphrase=passphrase, policy_sha256=self._approved, now=now)
        return self.keep(vault.ask(request, rs.Unlocked))

    def approve(self, vault: Vault, now: datetime) -> Session:
        """Pin the policy that was shown."""
        request = pr.ApprovePolicy(policy_sha256=self._approved, now=now)
        return self.keep(vault.ask(request, rs.Unlocked))

    def keep(self, unlocked: rs.Unlocked) -> Session:
        """Keep the table of sticks in force, and return the session."""
        session = to_session(unlocked)
        keep_sticks(self._own, session.sticks)
        return session

    def clear(self) -> None:
        """Forget what was shown: the box is locked."""
        self._shown = None

    @property
    def _approved(self) -> str:
        if self._shown is None:
            raise PolicyError("no policy was shown")
        return self._shown.policy_sha256
