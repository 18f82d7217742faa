"""Where a policy lies while it is reviewed: the box's own, or one that a stick brought.

Owns what was shown last, which is what can be approved, and keeps the table of sticks of a policy in force
(kiosk.daemon.kept_sticks). It decides nothing: the vault reads, pins and refuses.
"""

from datetime import datetime
from pathlib import Path

from core.api import requests as pr
from core.api import results as rs
from core.errors import PolicyError
from hw.fat.volume import FatVolume
from kiosk.daemon.kept_sticks import keep_sticks
from kiosk.work.policy_stick import read_policy_stick
from kiosk.reports import POLICY_LABEL, Proposal, Session
from kiosk.work.session import Session as Vault
from kiosk.translate import to_proposal, to_session


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
