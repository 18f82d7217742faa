"""`pism requests`: signing requests, shown, approved one by one, and signed."""

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import click

from core.api.csr_files import (
    MAX_REQUEST_BYTES,
    MAX_REQUESTS,
    RequestFile,
    is_litter,
    parse_name,
    request_order,
)
from core.api.results import RequestsSigned, RequestSummary
from core.errors import FileError
from kiosk.commands.access import Access, access_options
from kiosk.commands.options import (
    confirm,
    example,
    json_option,
    progress_bar,
    say,
    show,
    show_json,
    tell_late_roots,
)
from kiosk.text.counts import count


@click.command("requests", epilog=example("pism requests requests/ --state s"))
@click.argument(
    "paths", metavar="FILE_OR_FOLDER...", nargs=-1, required=True, type=click.Path(path_type=Path)
)
@click.option("--yes", is_flag=True, help="Sign all that can be signed; else each one is asked about.")
@access_options
@json_option
def requests_command(paths: tuple[Path, ...], access: Access, *, yes: bool, as_json: bool) -> None:
    """Show signing requests and sign those that are approved.

    A request is a file class.target.csr or class.target.label.csr, for a target with own_key in the policy.
    Compare the fingerprint of its key with what the requester tells you, apart from the file:

    openssl req -in FILE -noout -pubkey | openssl pkey -pubin -outform DER | openssl sha256
    """
    files = tuple(_read(paths))
    if not files:
        raise FileError(f"no .csr in {', '.join(map(str, paths))}")
    with access.unlocked() as authority:
        requests = authority.propose_requests(files, access.now).requests
        for item in requests:
            say(_describe(item))
        approved = _approve([item for item in requests if item.approval], yes=yes)
        chosen, approvals = [files[item.place] for item in approved], [item.approval for item in approved]
        with progress_bar() as report:
            signed = authority.sign_requests(chosen, approvals, access.now, report)
    _tell(requests, signed, as_json=as_json)


def _read(paths: Sequence[Path]) -> Iterator[RequestFile]:
    """Yield the requests of files, and all that lies in the folders among them but litter.

    A name that says nothing refuses a file by itself: its bytes are not read, whatever it is.

    Raises:
        FileError: One cannot be read or is too large (E-FILE).
    """
    from core.files import read_bounded
    from core.receive.folder import filing

    for path in paths:
        found = [path]
        if path.is_dir():
            with filing(f"Reading {path}"):
                all_of_it = sorted(path.iterdir(), key=lambda each: request_order(each.name))
            found = [item for item in all_of_it if parse_name(item.name) is not None]
            others = [item for item in all_of_it if item not in found and not is_litter(item.name)]
            room = max(0, MAX_REQUESTS - len(found))
            yield from (RequestFile(name=item.name, data=b"") for item in others[:room])
            if more := len(others[room:]):
                say(f"{path}: {more} more files are not named as requests")
        for item in found:
            yield RequestFile(name=item.name, data=read_bounded(item, MAX_REQUEST_BYTES))


def _describe(item: RequestSummary) -> str:
    if item.code:
        return f"{item.file}: refused, {item.code}: {item.text}"
    if item.served:
        return f"{item.file}: {item.class_name}/{item.target}, has its certificate"
    return (
        f"{item.file}: {item.class_name}/{item.target}\n"
        f"    subject  {item.subject}\n"
        f"    key      {item.algorithm} {item.key_sha256}\n"
        f"    words    {' '.join(item.words)}"
    )


def _approve(requests: Sequence[RequestSummary], *, yes: bool) -> list[RequestSummary]:
    """Return the requests that somebody says yes to."""
    if yes or not requests:
        return list(requests)
    if not sys.stdin.isatty():
        raise click.UsageError("there is nobody to ask; --yes signs all that can be signed")
    return [item for item in requests if confirm(f"Sign the key of {item.file}?")]


def _tell(requests: Sequence[RequestSummary], signed: RequestsSigned, *, as_json: bool) -> None:
    if as_json:
        show_json({"requests": requests, "roots": signed.roots, "signed": signed.signed})
        return
    for item in signed.signed:
        period = f"{item.issue_from:%Y-%m-%d} to {item.issue_until:%Y-%m-%d}"
        show(f"{item.file}: {item.path} lane {item.lane}, {item.period}, {period}: {item.certificate}")
    tell_late_roots(signed.late_roots)
    show(
        f"signed {len(signed.signed)} of {count(len(requests), 'request')}"
        + "; next: export" * bool(signed.signed)
    )
