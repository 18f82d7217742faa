"""`pism status` and `pism journal`: what there is, and what was done."""

from collections.abc import Mapping
from typing import Any, Final

import click

from kiosk.commands.access import Access, access_options
from kiosk.commands.options import example, json_option, show, show_json
from kiosk.commands.recipients import describe_key

_HASH_DIGITS: Final = 64
_FIRST: Final = ("kind", "name", "sequence")


@click.command("status", epilog=example("pism status --state s"))
@access_options
@json_option
def status_command(access: Access, *, as_json: bool) -> None:
    """Show cover, next visit, roots, archives and recipients."""
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
    show(f"\nbox\n  {' '.join(report.box.words)}\n\nroots")
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
    show("\nrecipients")
    for key in report.recipients:
        show(f"  {describe_key(key)}\n    {' '.join(key.words)}")
    show(f"\njournal {report.journal_sequence}: {' '.join(report.journal_words)}")


@click.command(
    "journal",
    epilog=example(
        "pism journal --state s", "pism journal --state s --json", "pism journal --state s --verify"
    ),
)
@click.option(
    "--verify",
    "is_verified",
    is_flag=True,
    help="Prove all of the state; with --json the last entry is printed.",
)
@access_options
@json_option
def journal_command(access: Access, *, is_verified: bool, as_json: bool) -> None:
    """Print the journal, a line an entry, oldest first.

    Lists are counted and hashes cut to 16 digits; with --json all of it is printed, as the lines that an
    archive carries. An unlock proves what is in use; --verify proves what is over, too: every page,
    certificate, key and entry since the founding.
    """
    from core.store.journal import encode_line

    with access.reading() as authority:
        if is_verified:
            last = authority.verify()
            show(
                encode_line(last).rstrip(b"\n")
                if as_json
                else f"all is as the journal says, {last.sequence} entries"
            )
            return
        for entry in authority.entries():
            if as_json:
                show(encode_line(entry).rstrip(b"\n"))
            else:
                when = f"{entry.time:%Y-%m-%d %H:%M}"
                show(f"{entry.sequence:6d}  {when}  {entry.act:10s}  {_describe(entry.detail)}".rstrip())


def _describe(detail: Mapping[str, Any]) -> str:
    """Return what an entry says beside its act, in one line; what is zero, empty or false is left out."""
    keys = sorted(detail, key=lambda key: _FIRST.index(key) if key in _FIRST else len(_FIRST))
    return ", ".join(_describe_one(key.replace("_", " "), detail[key]) for key in keys if detail[key])


def _describe_one(key: str, value: Any) -> str:
    match value:
        case True:
            return key
        case list() | tuple():
            return f"{len(value)} {key.removesuffix('s') if len(value) == 1 else key}"
        case str() if len(value) == _HASH_DIGITS:
            return f"{key} {value[:16]}"
        case int() if key == "sequence":
            return f"{value:06d}"
    return value if key in ("name", "kind", "where") else f"{key} {value}"
