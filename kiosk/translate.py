"""The vault's messages in the kiosk's own words: neither the machine nor a screen knows the protocol."""

from collections import Counter

from core.api import results as rs
from core.api.results import BackupOpened, BackupRestored
from kiosk import reports as rp
from kiosk.rescue_reports import BackupRow, Restored

SCREEN_COLUMNS = 21


def to_session(unlocked: rs.Unlocked) -> rp.Session:
    """Return what the machine may know of an unlocked session."""
    notes = []
    if unlocked.failed_attempts:
        plural = "s" * (unlocked.failed_attempts > 1)
        notes.append(f"{unlocked.failed_attempts} wrong passphrase{plural}")
    return rp.Session(
        authority=unlocked.authority,
        sticks=tuple(unlocked.sticks.items()),
        next_visit_by=unlocked.next_visit_by,
        policy_differs=bool(unlocked.policy_changes),
        notes=tuple(notes),
    )


def to_proposal(proposal: rs.PolicyProposal, source: str = "") -> rp.Proposal:
    """Return config.yaml's policy for the pages that show it before it is approved.

    Args:
        proposal: What the vault made of it.
        source: Label of the stick that brought it; "" for the box's own file.
    """
    return rp.Proposal(
        recipients=_recipients(proposal.recipients),
        differences=proposal.changes,
        source=source,
        authority=proposal.authority,
        untaken=proposal.untaken,
    )


def to_late(corrected: rs.ClockCorrected) -> rp.LateIssue:
    """Return what a correction of the clock found, counted for each target, in issuing order."""
    counts = Counter(item.path for item in corrected.issued_after)
    return rp.LateIssue(
        certificate_ids=tuple(item.id for item in corrected.issued_after),
        targets=tuple(rp.LateTarget(path=path, count=count) for path, count in counts.items()),
    )


def to_status(report: rs.StatusReport) -> rp.StatusReport:
    """Return the status for the menu's pages."""
    covers = tuple(
        rp.CoverRow(
            class_name=cover.class_name,
            target=cover.target,
            days=max(0, (cover.until - report.now).days),
            lead_days=cover.lead_days,
        )
        for cover in report.covers
    )
    archives = tuple(
        rp.ArchiveRow(
            kind=archive.kind,
            name=archive.name,
            sequence=archive.sequence or 0,
            written=archive.written,
            drilled=archive.drilled,
            drill_due=archive.kind == "backup" and archive.name in report.undrilled,
        )
        for archive in report.archives
    )
    roots = tuple(
        rp.RootRow(period=root.period, sha256=root.sha256.upper(), words=root.words)
        for root in report.roots
        if root.status in ("future", "active", "retired")
    )
    return rp.StatusReport(
        now=report.now,
        next_visit_by=report.next_visit_by,
        covers=covers,
        archives=archives,
        recipients=_recipients(report.recipients),
        roots=roots,
        journal_sequence=report.journal_sequence,
        journal_words=report.journal_words,
    )


def to_backup(opened: BackupOpened) -> BackupRow:
    """Return what a backup holds, for the pages that show it before it is restored."""
    return BackupRow(
        authority=opened.authority,
        name=opened.name,
        sequence=opened.sequence,
        created=opened.created,
        words=opened.root_words,
        roots=opened.roots,
        signers=opened.signers,
    )


def to_restored(restored: BackupRestored) -> Restored:
    """Return what a restore left, for the pages at its end."""
    return Restored(
        incarnation=restored.incarnation,
        next_visit_by=restored.next_visit_by,
        clock_believed=restored.clock_believed,
        policy_differs=bool(restored.policy_changes),
    )


def to_signers(report: rs.StatusReport, class_name: str, target: str) -> tuple[rp.SignerRow, ...]:
    """Return what can be revoked under one target, or the roots for two empty names."""
    if not class_name:
        return tuple(
            rp.SignerRow(certificate_id=root.id, title=f"root {root.period}"[:SCREEN_COLUMNS])
            for root in report.roots
            if root.status != "revoked"
        )
    path = f"{class_name}/{target}"
    return tuple(
        rp.SignerRow(certificate_id=signer.id, title=f"{signer.period} lane {signer.lane}"[:SCREEN_COLUMNS])
        for signer in report.signers
        if signer.path == path and signer.status != "revoked"
    )


def to_requests(proposal: rs.RequestsProposal) -> tuple[rp.RequestRow, ...]:
    """Return the requests that an operator has to see: not those that have their certificate already."""
    return tuple(
        rp.RequestRow(
            file=item.file,
            path=f"{item.class_name}/{item.target}" if item.target else "",
            subject=item.subject,
            key_sha256=item.key_sha256,
            approval=item.approval,
            code=item.code,
            text=item.text,
        )
        for item in proposal.requests
        if not item.served
    )


def _recipients(recipients: tuple[rs.RecipientSummary, ...]) -> tuple[rp.RecipientRow, ...]:
    return tuple(rp.RecipientRow(use=item.kind, name=item.name, words=item.words) for item in recipients)
