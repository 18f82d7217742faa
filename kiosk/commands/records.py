"""`pism status` and `pism journal`: what there is, and what was done."""

import click
import msgspec

from kiosk.commands.access import Access, access_options
from kiosk.commands.options import json_option, show, show_json


@click.command("status")
@access_options
@json_option
def status_command(access: Access, *, as_json: bool) -> None:
    """Show cover per target, the next visit, roots, archives and recipients."""
    with access.reading() as authority:
        report = authority.status(access.now)
    if as_json:
        show_json(report)
        return
    show(f"{report.authority}  {report.now:%Y-%m-%d %H:%M} UTC")
    if report.clock:
        show(f"{report.clock}: nothing is issued before the date is confirmed (--confirm-date)")
    show(f"next visit by {report.next_visit_by:%Y-%m-%d}\n\ncovered until")
    for cover in report.covers:
        path = f"{cover.class_name}/{cover.target}" if cover.target else "roots"
        show(f"  {cover.until:%Y-%m-%d}  {path}, {cover.lanes} side by side")
    for due in report.requests:
        show(f"  {due.path} waits for {due.gaps} signing requests, the first from {due.issue_from:%Y-%m-%d}")
    show("\nroots")
    for root in report.roots:
        show(f"  {root.period} {root.status}  {' '.join(root.words)}")
    show("\narchives")
    for archive in report.archives:
        when = "never written"
        if archive.written is not None:
            only = (
                "" if archive.written_sequence == archive.sequence else f"{archive.written_sequence:06} on "
            )
            when = f"{only}{archive.written:%Y-%m-%d}"
        number = f"{archive.sequence:06d}" if archive.sequence else "none"
        show(f"  {archive.kind} {archive.name}: {number}, {when}")
    for name in report.undrilled:
        show(f"  backup {name} awaits a drill")
    show(f"\njournal {report.journal_sequence}: {' '.join(report.journal_words)}")


@click.command("journal")
@access_options
@json_option
def journal_command(access: Access, *, as_json: bool) -> None:
    """Print the journal, oldest entry first; with --json as the lines that an archive carries."""
    from core.store.journal import encode_line
    from core.times import format_time

    with access.reading() as authority:
        for entry in authority.entries():
            if as_json:
                show(encode_line(entry).rstrip(b"\n"))
            else:
                detail = msgspec.json.encode(entry.detail, order="sorted").decode()
                show(f"{entry.sequence:6d}  {format_time(entry.time)}  {entry.act:12s}  {detail}")
