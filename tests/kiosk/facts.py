"""What the samples and the tests of the flows are about: sticks, boxes, and what the vault says."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from msgspec.structs import replace as change

from core.api.results import (
    ArchiveState,
    BackupOpened,
    BackupRestored,
    BoxSummary,
    DrillRecorded,
    PolicyProposal,
    RecipientSummary,
    RequestSummary,
    RootSummary,
    Runs,
    SignerSummary,
    StatusReport,
    TargetCoverage,
    Unlocked,
)
from core.api.wire import Failed
from core.policy.settings import Kiosk
from core.progress import Progress
from hw.ports import Stick
from kiosk.flows.box import Box, ClockTrouble, Settings
from kiosk.work.inspection import Inspected
from kiosk.work.job import JobDone, StepDone
from kiosk.work.look import StickLooked

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
SMALL = StickLooked(needs_bytes=9_140_000, free_bytes=1_960_000)


def stick(label: str = "PISM-ALL", *, identity: str = "12:usb1", filesystem: str = "vfat") -> Stick:
    return Stick(
        node=Path("/dev/sda1"),
        identity=identity,
        label=label,
        uuid="1234-ABCD",
        filesystem=filesystem,
        size_bytes=31_914_983_424,
    )


def parted(*labels: str, identity: str = "12:usb1") -> Stick:
    """Return a stick with several volumes; one without a label has no file system."""
    parts = tuple(
        replace(
            stick(label, identity=identity, filesystem="vfat" if label else ""),
            node=Path(f"/dev/sda{number}"),
            size_bytes=number * 7_500_000_000,
        )
        for number, label in enumerate(labels, 1)
    )
    whole = replace(stick("", identity=identity, filesystem=""), node=Path("/dev/sda"), uuid="")
    return replace(whole, parts=parts)


def recipient(
    kind: str, name: str, file: str = "", *, number: int = 1, count: int = 1, is_new: bool = False
) -> RecipientSummary:
    return RecipientSummary(
        kind=kind,
        name=name,
        key=f"ssh-ed25519 {name}{number}",
        key_kind="ssh-ed25519",
        words=PRINT,
        number=number,
        count=count,
        file=file,
        comment=f"root@{name}" if file else "",
        is_new=is_new,
    )


def coverage(class_name: str, target: str, days: int, lead_days: int) -> TargetCoverage:
    return TargetCoverage(
        class_name=class_name,
        target=target,
        lanes=1,
        lowest_lane=1,
        until=NOW + timedelta(days=days),
        lead_days=lead_days,
    )


def archive(kind: str, name: str, sequence: int | None, drilled: datetime | None = None) -> ArchiveState:
    written = NOW if sequence else None
    return ArchiveState(
        kind=kind,
        name=name,
        sequence=sequence,
        created=written,
        written=written,
        written_sequence=sequence,
        drilled=drilled,
    )


def root(period: str, sha256: str, status: str = "active") -> RootSummary:
    return RootSummary(
        id=f"root-{period}",
        period=period,
        status=status,
        sha256=sha256,
        words=PRINT,
        serial=sha256[::-1][:40],
        not_before=NOW,
        not_after=NOW + timedelta(days=700),
        signers=423,
    )


def signer(number: int, path: str = "infrastructure/avatars", *, lane: int | None = None) -> SignerSummary:
    return SignerSummary(
        id=f"id{number}",
        path=path,
        lane=lane or number,
        period="2026.4",
        status="active",
        serial=f"{0x3FA41B9C + number:x}" * 5,
        not_before=NOW,
        not_after=NOW + timedelta(days=130),
    )


KEYS = (
    recipient("egress", "main-kudo", "keys/main-kudo.pub"),
    recipient("backup", "main-backup", "keys/backup-a.pub", number=1, count=2),
    recipient("backup", "main-backup", "keys/backup-b.pub", number=2, count=2),
)
"""As a policy of three keys has them."""
NAMES = ("infrastructure/avatars", "services/mongo", "main-kudo", "main-backup")
REPORT = StatusReport(
    authority="Example Virtual Worlds",
    incarnation="6f0c2f6a-55a1-4f3e-9a64-2f1f5a0d7c10",
    box=BoxSummary(key="77aa01de" * 8, words=PRINT),
    now=NOW,
    next_visit_by=NOW + timedelta(days=70),
    covers=(
        coverage("", "", 1826, 1830),
        coverage("services", "mongo", 183, 183),
        coverage("infrastructure", "avatars", 38, 183),
        coverage("infrastructure", "servers-of-the-world", 0, 183),
    ),
    requests=(),
    roots=(root("2026", "3fa41b9c" * 8), root("2027", "0d5e77a2" * 8)),
    signers=tuple(signer(number) for number in range(1, 8)),
    counts={},
    recipients=KEYS,
    archives=(
        archive("egress", "main-kudo", 12),
        archive("backup", "main-backup", 4, DRILLED),
        archive("backup", "second-backup", None),
    ),
    undrilled=("second-backup",),
    journal_sequence=412,
    journal_head="5e77a20d" * 8,
    journal_words=PRINT,
    clock="",
)
SESSION = Unlocked(
    authority="Example Virtual Worlds",
    sticks=dict(TABLE),
    clock="",
    last_entry_at=NOW,
    next_visit_by=REPORT.next_visit_by,
    policy_changes=(),
    failed_attempts=0,
)
PROPOSAL = PolicyProposal(
    policy_sha256="5e" * 32,
    authority="Example Virtual Worlds",
    recipients=tuple(change(key, is_new=True) for key in KEYS),
    changes=(),
    names=NAMES,
    new_names=NAMES,
)
"""Of a first set-up."""
CHANGES = change(
    PROPOSAL,
    recipients=(*KEYS[:2], PROPOSAL.recipients[2]),
    changes=("signers.classes.services.mongo.load: 1 -> 2", "spread_days: 30 -> 40"),
    new_names=(),
)
"""With one key that was exchanged."""
BROUGHT = change(CHANGES, untaken=("hardware", "kiosk"))
DRILLS = (
    DrillRecorded(name="main-backup", sequence=7),
    DrillRecorded(name="second-backup-of-all", sequence=12),
)
LATE = (
    *(signer(number, "roots", lane=0) for number in range(6)),
    *(signer(number, "services/mongo") for number in (6, 7)),
    *(signer(number, "services/etcd") for number in (8, 9)),
    *(signer(number, "infrastructure/servers-of-the-world") for number in range(10, 226)),
)
RESULTS = JobDone(
    steps=(
        StepDone(step="top-up", issued=226),
        StepDone(step="export main-kudo", name="main-kudo", sequence=1, sha256="3fa41b9c" * 8),
        StepDone(step="backup main-backup", name="main-backup", sequence=1, sha256="77aa01de" * 8),
    ),
    next_visit_by=REPORT.next_visit_by,
    journal_sequence=REPORT.journal_sequence,
    journal_head=REPORT.journal_head,
    journal_words=PRINT,
)
MUCH = replace(
    RESULTS,
    steps=(
        StepDone(step="top-up", issued=226, requested=2, late_roots=1),
        StepDone(
            step="export avatars-frankfurt-north1",
            name="avatars-frankfurt-north1",
            sequence=12,
            sha256="3fa41b9c" * 8,
        ),
    ),
    journal_sequence=1_234_567,
)
"""A job with all that its pages may have to say."""


def visited(done: JobDone) -> Box:
    """Return a locked box whose last stick's job brought that."""
    known = box()
    known.last_visit = done
    return known


def box(
    *sticks: Stick,
    provisioned: bool | None = True,
    unlocked: bool = False,
    ignored: str = "",
    recognition: bool = True,
) -> Box:
    """Return a box: locked and without a stick, if nothing else is said."""
    kiosk = Kiosk(lock_after_s=300, dim_after_s=60, recognition=recognition)
    return Box(
        settings=Settings(sticks=TABLE, kiosk=kiosk),
        provisioned=provisioned,
        session=SESSION if unlocked else None,
        sticks=sticks,
        ignored=ignored,
    )


RUNS = Runs(
    version="0.1.0",
    files="3fa41b9c" * 8,
    board="Raspberry Pi 4 Model B Rev 1.4",
    serial="10000000abcdef12",
    installed="2026-11-23 09:12:40",
)
FOUND = Inspected(runs=RUNS, words=PRINT, ran_before=RUNS)
"""A box that is as it was at the last visit."""
RAN_BEFORE = change(RUNS, version="0.0.9", files="77aa01de" * 8, serial="10000000deadbeef")
JOB = dict(TABLE)["PISM-ALL"]
HALF = Progress(done=137, total=226, what="signer")
TROUBLE = ClockTrouble(code="E-CLOCK-BEHIND", now=NOW.replace(year=1970), last=NOW)
HERE = stick()


def request(
    file: str, path: str = "", subject: str = "", key_sha256: str = "", **more: str
) -> RequestSummary:
    class_name, _, target = path.partition("/")
    return RequestSummary(
        place=0,
        file=file,
        class_name=class_name,
        target=target,
        subject=subject,
        algorithm="ed25519" if path else "",
        key_sha256=key_sha256,
        words=PRINT if path else (),
        served=False,
        **{"approval": "", "code": "", "text": "", **more},
    )


REQUESTS = (
    request(
        "services.gate.1.csr",
        "services/gate",
        "CN=gate 7,O=Visitors & Sons",
        "3fa41b9c0d5e77a2" * 4,
        approval="a" * 64,
    ),
    request(
        "infrastructure.visitors-of-the-world.csr",
        "infrastructure/visitors-of-the-world",
        "CN=a-very-long-name-without-a-space.worlds.example,OU=Gates\\x0a\\u202e,O=Visitors & Sons",
        "77aa01de92c3b4f5" * 4,
        approval="b" * 64,
    ),
    request("services.mongo.a-long-label-of-theirs.csr", code="E-REQUEST-TARGET", text="made here"),
)
OTHER = stick("PISM-EXPORT", identity="13:usb2")
BRINGING = stick("PISM-CONFIG", identity="16:usb1")

BACKUP = BackupOpened(
    authority="Example Virtual Worlds",
    name="main-backup",
    sequence=7,
    created=NOW - timedelta(days=30),
    box_words=PRINT,
    root_words=PRINT,
    root_sha256="3fa41b9c" * 8,
    roots=6,
    signers=226,
    keys=238,
)
RESTORED = BackupRestored(
    incarnation="6f0c2f6a-55a1-4f3e-9a64-2f1f5a0d7c11",
    box_words=PRINT,
    next_visit_by=NOW,
    clock_believed=True,
    policy_changes=("spread_days: 30 -> 40",),
)
RESCUE = stick("PISM-RESCUE", identity="17:usb1")
DRILLED_STICK = stick("PISM-DRILL", identity="18:usb1")
KEYS_ON_IT = ("backup-a.txt", "backup-b-of-the-company.txt", "id_ed25519", "old.key")


def failed(code: str, text: str = "", **more: int) -> Failed:
    return Failed(code=code, text=text, action=(), **more)
