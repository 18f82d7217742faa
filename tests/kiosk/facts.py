"""What the samples and the tests of the machine are about: sticks, a session, a report, three boxes."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from hw.ports import Stick
from kiosk.events import Progress
from kiosk.reports import (
    ArchiveRow,
    CoverRow,
    DrillRow,
    LateIssue,
    LateTarget,
    Proposal,
    RecipientRow,
    RequestRow,
    Result,
    RootRow,
    Session,
    Settings,
    StatusReport,
)
from kiosk.rescue_reports import BackupRow, Rescue, Restored
from kiosk.states import Box, ClockTrouble, Vault

NOW = datetime(2026, 11, 23, 15, 34, tzinfo=UTC)
DRILLED = NOW - timedelta(days=90)
TABLE = (
    ("PISM-EXPORT", ("top-up", "export main-kudo")),
    ("PISM-BACKUP", ("top-up", "backup main-backup")),
    ("PISM-ALL", ("top-up", "export main-kudo", "backup main-backup")),
    ("PISM-MANY", ("top-up", "export main-kudo", "export infrastructure-of-london", "backup main-backup")),
)
WORDS = ("absolute", "bamboo", "category", "dismiss", "envelope", "finger", "guitar", "hospital")
PRINT = ("machine", "neglect", "obscure", "picture", "quantum", "resemble", "sausage", "tornado")
PRINT += ("umbrella", "vehicle", "whisper", "zebra")


def stick(label: str = "PISM-ALL", *, identity: str = "12:usb1", filesystem: str = "vfat") -> Stick:
    return Stick(
        node=Path("/dev/sda1"),
        identity=identity,
        label=label,
        uuid="1234-ABCD",
        filesystem=filesystem,
        size_bytes=31_914_983_424,
    )


REPORT = StatusReport(
    now=NOW,
    next_visit_by=NOW + timedelta(days=70),
    covers=(
        CoverRow(class_name="", target="", days=1826, lead_days=1830),
        CoverRow(class_name="services", target="mongo", days=183, lead_days=183),
        CoverRow(class_name="infrastructure", target="avatars", days=38, lead_days=183),
        CoverRow(class_name="infrastructure", target="servers-of-the-world", days=0, lead_days=183),
    ),
    archives=(
        ArchiveRow(kind="egress", name="main-kudo", sequence=12, written=NOW),
        ArchiveRow(
            kind="backup", name="main-backup", sequence=4, written=NOW, drilled=NOW - timedelta(days=90)
        ),
        ArchiveRow(kind="backup", name="second-backup", sequence=0, written=None),
    ),
    recipients=(RecipientRow(use="egress", name="main-kudo", words=PRINT),),
    roots=(
        RootRow(period="2026", sha256="3FA41B9C" * 8, words=PRINT),
        RootRow(period="2027", sha256="0D5E77A2" * 8, words=PRINT),
    ),
    journal_sequence=412,
    journal_words=PRINT,
)
SESSION = Session(authority="Example Virtual Worlds", sticks=TABLE, next_visit_by=REPORT.next_visit_by)
PROPOSAL = Proposal(
    recipients=(
        RecipientRow(use="egress", name="main-kudo", words=PRINT),
        RecipientRow(use="backup", name="main-backup-of-the-company", words=PRINT),
    )
)
CHANGES = replace(
    PROPOSAL, differences=("signers.classes.services.mongo.load: 1 -> 2", "spread_days: 30 -> 40")
)
DRILLS = (DrillRow(name="main-backup", sequence=7), DrillRow(name="second-backup-of-all", sequence=12))
LATE = LateIssue(
    certificate_ids=tuple(f"id{number}" for number in range(226)),
    targets=(
        LateTarget(path="roots", count=6),
        LateTarget(path="services/mongo", count=2),
        LateTarget(path="services/etcd", count=2),
        LateTarget(path="infrastructure/servers-of-the-world", count=216),
    ),
)
BROUGHT = replace(
    CHANGES, source="PISM-CONFIG", authority="Example Virtual Worlds", untaken=("hardware", "kiosk")
)
RESULTS = (
    Result(step="top-up", issued=226),
    Result(step="export main-kudo", name="main-kudo", sequence=1, sha256="3fa41b9c" * 8),
    Result(step="backup main-backup", name="main-backup", sequence=1, sha256="77aa01de" * 8),
)

FACTORY = Box(settings=Settings(sticks=TABLE), provisioned=False, vault=Vault.OPEN)
LOCKED = replace(FACTORY, provisioned=True)
OPEN = replace(LOCKED, vault=Vault.OPEN, session=SESSION, report=REPORT)


def with_sticks(box: Box, *sticks: Stick, ignored: str = "") -> Box:
    return replace(box, sticks=sticks, ignored=ignored)


JOB = dict(TABLE)["PISM-ALL"]
HALF = Progress(step=2, steps=3, done=137, total=226, what="signer", seconds_left=240)
TROUBLE = ClockTrouble(code="E-CLOCK-BEHIND", now=NOW.replace(year=1970), last=NOW)
HERE = stick()
REQUESTS = (
    RequestRow(
        file="services.gate.1.csr",
        path="services/gate",
        subject="CN=gate 7,O=Visitors & Sons",
        key_sha256="3fa41b9c0d5e77a2" * 4,
        approval="a" * 64,
    ),
    RequestRow(
        file="infrastructure.visitors-of-the-world.csr",
        path="infrastructure/visitors-of-the-world",
        subject="CN=a-very-long-name-without-a-space.worlds.example,OU=Gates\\x0a\\u202e,O=Visitors & Sons",
        key_sha256="77aa01de92c3b4f5" * 4,
        approval="b" * 64,
    ),
    RequestRow(file="services.mongo.a-long-label-of-theirs.csr", code="E-REQUEST-TARGET", text="made here"),
)
OTHER = stick("PISM-EXPORT", identity="13:usb2")
BRINGING = stick("PISM-CONFIG", identity="16:usb1")

BACKUP = BackupRow(
    authority="Example Virtual Worlds",
    name="main-backup",
    sequence=7,
    created=NOW - timedelta(days=30),
    words=PRINT,
    roots=6,
    signers=226,
)
RESTORED = Restored(
    incarnation="6f0c2f6a-55a1-4f3e-9a64-2f1f5a0d7c11",
    next_visit_by=NOW,
    clock_believed=True,
    policy_differs=True,
)
RESCUE = stick("PISM-RESCUE", identity="17:usb1")
KEYS_ON_IT = ("backup-a.txt", "backup-b-of-the-company.txt", "id_ed25519", "old.key")
RESCUABLE = with_sticks(FACTORY, RESCUE)
OPENED = Rescue(stick=RESCUE, identities=KEYS_ON_IT, backup=BACKUP)
RESCUING = replace(RESCUABLE, rescue=OPENED)
