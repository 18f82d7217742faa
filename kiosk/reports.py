"""What the vault tells the kiosk, in the kiosk's own words: session, status, proposal, results.

Rules: frozen records with public facts only; no key, no passphrase. The daemon builds them from the
vault's messages, so that neither the machine nor a screen knows the protocol.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

StickTable = tuple[tuple[str, tuple[str, ...]], ...]
"""Volume label and its steps, in the order of config.yaml."""

POLICY_LABEL: Final = "PISM-CONFIG"
"""The reserved label of a stick that brings a policy."""
RESCUE_LABEL: Final = "PISM-RESCUE"
"""The reserved label of a stick that restores a backup onto an empty box."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What the kiosk takes from config.yaml before anything is unlocked.

    Args:
        sticks: What was pinned last, as the kiosk kept it, else by config.yaml: good for saying what a stick
            asks, never for doing it.
        lock_after_s: Idle seconds until a session locks; at least 20.
        dim_after_s: Idle seconds until the glass dims.
        note: What the operator should know of them while locked; "" for nothing.
    """

    sticks: StickTable = ()
    lock_after_s: int = 300
    dim_after_s: int = 60
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """What is known while unlocked.

    Args:
        authority: Its name.
        sticks: The pinned table; only these steps run.
        next_visit_by: Aware UTC; None when nothing is covered yet.
        policy_differs: config.yaml says something else than what is pinned; it waits for approval.
        notes: Lines that the operator should see once, such as failed unlocks.
    """

    authority: str
    sticks: StickTable
    next_visit_by: datetime | None = None
    policy_differs: bool = False
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class RecipientRow:
    """One public key that archives are encrypted to.

    Args:
        use: "egress" or "backup".
        name: Of that egress or backup.
        words: 12 words of the key's fingerprint.
    """

    use: str
    name: str
    words: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """config.yaml resolved, for the operator's eyes.

    Args:
        recipients: All of them, in the order of config.yaml.
        differences: "path: old -> new" against what is pinned; () at first set-up.
        source: Label of the stick that brought it; "" for the box's own config.yaml.
        authority: Its name.
        untaken: Sections of the stick's config.yaml that differ from the box's own, and are not taken.
    """

    recipients: tuple[RecipientRow, ...]
    differences: tuple[str, ...] = ()
    source: str = ""
    authority: str = ""
    untaken: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class CoverRow:
    """How far ahead one target is covered; the lowest lane counts.

    Args:
        class_name: Of the target; "" for the roots.
        target: Its name; "" for the roots.
        days: Whole days of unbroken cover from now, of the lowest lane.
        lead_days: Days that a top-up gives.
    """

    class_name: str
    target: str
    days: int
    lead_days: int

    @property
    def path(self) -> str:
        """What the screens call it."""
        return f"{self.class_name}/{self.target}" if self.class_name else "roots"


@dataclass(frozen=True, slots=True, kw_only=True)
class ArchiveRow:
    """The last archive of one egress or backup; sequence 0 and None when there was none.

    `drill_due`: no drill has proven the backup for as long as the policy allows.
    """

    kind: str
    name: str
    sequence: int
    written: datetime | None
    drilled: datetime | None = None
    drill_due: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class RootRow:
    """One live root.

    Args:
        period: "2027", or as the schedule names it.
        sha256: 64 upper-case hex digits of the certificate's DER.
        words: Its fingerprint words.
    """

    period: str
    sha256: str
    words: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusReport:
    """Everything the menu's pages show."""

    now: datetime
    next_visit_by: datetime | None
    covers: tuple[CoverRow, ...]
    archives: tuple[ArchiveRow, ...]
    recipients: tuple[RecipientRow, ...]
    roots: tuple[RootRow, ...]
    journal_sequence: int
    journal_words: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class LateTarget:
    """How many certificates of one target: `path` is "class/target", or "roots"."""

    path: str
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LateIssue:
    """What was signed by a clock ahead of the true time.

    Args:
        certificate_ids: Roots and signers, in issuing order.
        targets: The same, counted.
    """

    certificate_ids: tuple[str, ...] = ()
    targets: tuple[LateTarget, ...] = ()


NOTHING_LATE: Final = LateIssue()


@dataclass(frozen=True, slots=True, kw_only=True)
class DrillRow:
    """A backup that was proven by a drill: its name and number."""

    name: str
    sequence: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SignerRow:
    """A certificate that can be revoked: its id, and what the operator calls it."""

    certificate_id: str
    title: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TestRow:
    """One line of the self-test: at most 12 characters of name, 8 of finding."""

    __test__ = False  # not for pytest

    name: str
    good: bool
    finding: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestRow:
    """A signing request off a stick.

    Args:
        file: Its file's name.
        path: "class/target" that it asks for; "" where it cannot be read, as the next two.
        subject: Its subject, printable ASCII; a claim of whoever made it.
        key_sha256: SHA-256 of its key, 64 hex digits.
        approval: What its approval is called; "" when it is refused.
        code: Why it is refused; "" when it is not.
        text: The same in words.
    """

    file: str
    path: str = ""
    subject: str = ""
    key_sha256: str = ""
    approval: str = ""
    code: str = ""
    text: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What one step of a job did.

    Args:
        step: As in RunJob.
        name: "" for a top-up.
        sequence: Of the archive; 0 for a top-up.
        sha256: Of the archive, hex; "" for a top-up.
        issued: Certificates that were signed.
        requested: How many of them for signing requests.
        late_roots: Roots that sign before they could be spread.
    """

    step: str
    name: str = ""
    sequence: int = 0
    sha256: str = ""
    issued: int = 0
    requested: int = 0
    late_roots: int = 0
