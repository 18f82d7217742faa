"""The signing requests of one job: read off its stick, shown, and signed as they were approved.

Rules:

1. Only what lies in `requests` under a request's name is read, within bounds; nothing is looked into here.
   What cannot be read, has another name, or looks like a request and lies elsewhere (in the stick's root, or
   on a stick that asks for no top-up) is told as one more refused request, and hinders nothing.
2. They are shown once a job: after an answer the job goes on with it, whichever stick is in. Without one (the
   stick was pulled) they are read and shown again. What comes after it, or after the top-up, on a stick that
   took the place of a pulled one, cannot be signed in this job any more, and is told once.
3. Signed is what the vault showed, by the approvals that it gave; the bytes are those that it saw.
4. After a refusal by the vault nothing is approved any more: the next try shows them anew.
"""

from datetime import datetime
from hashlib import sha256

from msgspec.structs import replace

from core.api import requests as rq
from core.api import results as rs
from core.api.csr_files import (
    FOLDER,
    MAX_REQUEST_BYTES,
    MAX_REQUESTS,
    RequestFile,
    is_litter,
    looks_like_request,
    parse_name,
    request_order,
)
from core.errors import RequestError, RequestLateError, RequestManyError, RequestPlaceError, StoppedError
from core.progress import Report
from hw.errors import StickFormatError, StickNameError, StickSizeError
from hw.fat.listing import StickFile
from hw.fat.volume import FatVolume
from kiosk.work.session import Session, VaultRefusalError


class StickRequests:
    """What a job's stick brought to be signed.

    Args:
        session: Unlocked.
        now: Of the job, aware UTC.
    """

    def __init__(self, session: Session, now: datetime) -> None:
        self._session = session
        self._now = now
        self._shown: dict[str, RequestFile] = {}
        self._found: set[tuple[str, str]] = set()  # by the last look: names, with the hash or the code
        self._told: set[tuple[str, str]] = set()  # the same, of what was answered
        self._approved: tuple[str, ...] | None = None
        self._signed: rs.RequestsSigned | None = None

    def find(
        self, volume: FatVolume, root: tuple[StickFile, ...], *, taken: bool, too_late: bool
    ) -> tuple[rs.RequestSummary, ...]:
        """Return what there is to be shown; nothing of what was answered already.

        Args:
            volume: Open.
            root: What stands in its root.
            taken: Whether the job has a top-up, which requests are signed in; else all are refused.
            too_late: Whether that top-up is made.

        Raises:
            VaultRefusalError, VaultLostError: From the session.
            StickGoneError, StickIoError: From the stick.
        """
        files, refused = read_requests(volume, root)
        self._found = {*map(_mark_file, files), *map(_mark_row, refused)}
        files = tuple(file for file in files if _mark_file(file) not in self._told)
        refused = tuple(row for row in refused if _mark_row(row) not in self._told)
        if not taken:
            wrong = "this stick asks for no top-up, and requests are signed in one"
            left = (_misplaced(file.name, wrong) for file in files)
            return (*left, *refused)
        if not files:
            return refused
        asked = rq.ProposeRequests(files=files, now=self._now)
        proposal = self._session.ask(asked, rs.RequestsProposal)
        rows = tuple(item for item in proposal.requests if not item.served)
        if too_late or self._approved is not None:
            return (*(_late(row) if row.approval else row for row in rows), *refused)
        self._shown = {item.approval: files[item.place] for item in rows if item.approval}
        return (*rows, *refused)

    def approve(self, approvals: tuple[str, ...]) -> None:
        """Take the operator's answer: the approvals of those that are to be signed.

        Only the first one says what is signed: what was found after it is told and no more.
        """
        self._told |= self._found
        if self._approved is None:
            self._approved = approvals

    def sign(self, report: Report) -> rs.RequestsSigned:
        """Have the approved ones signed, once, and return what came of it.

        Args:
            report: Told how many certificates are done.

        Raises:
            VaultRefusalError, VaultLostError: From the session.
        """
        if self._signed is None and self._approved:
            self._signed = self._sign(self._approved, report)
        return self._signed or _NOTHING

    def _sign(self, approvals: tuple[str, ...], report: Report) -> rs.RequestsSigned:
        files = tuple(self._shown[approval] for approval in approvals)
        request = rq.SignRequests(files=files, approved=approvals, now=self._now)
        try:
            return self._session.ask(request, rs.RequestsSigned, report=report)
        except VaultRefusalError as refusal:
            if refusal.failed.code != StoppedError.code:
                self._approved = None
                self._told.clear()
            raise


_NOTHING = rs.RequestsSigned(roots=0, late_roots=0, signed=())


def read_requests(
    volume: FatVolume, root: tuple[StickFile, ...], most: int = MAX_REQUESTS
) -> tuple[tuple[RequestFile, ...], tuple[rs.RequestSummary, ...]]:
    """Return the files in the folder of requests, and rows for what cannot be read or lies elsewhere.

    A file whose name says nothing is returned without its bytes: its name alone refuses it.

    Args:
        volume: Open.
        root: What stands in its root.
        most: How many are read.

    Raises:
        StickGoneError, StickIoError: It cannot be read.
    """
    folder = next((item.name for item in root if item.folder and item.name.lower() == FOLDER), "")
    strays = sorted(item.name for item in root if item.name != folder and looks_like_request(item.name))
    refused = [_misplaced(name, f"it does not lie in the folder {FOLDER}") for name in strays[:most]]
    try:
        items = volume.list(folder) if folder else ()
    except StickFormatError as error:  # a name in it that is none
        return (), (_refused(file=FOLDER, code=error.code, text=str(error)), *refused)
    items = tuple(item for item in items if not is_litter(item.name))
    refused += [_misplaced(item.name, "it is a folder") for item in items if item.folder][:most]
    names = sorted(
        (item.name for item in items if not item.folder),
        key=lambda name: (parse_name(name) is None, request_order(name)),  # of many, those that are requests
    )
    files: list[RequestFile] = []
    for name in names[:most]:
        if parse_name(name) is None:
            files.append(RequestFile(name=name, data=b""))
            continue
        try:
            data = volume.get(f"{folder}/{name}", MAX_REQUEST_BYTES)
        except StickSizeError as error:
            refused.append(_refused(file=name, code=RequestError.code, text=str(error)))
        except StickNameError as error:
            refused.append(_refused(file=name, code=error.code, text=str(error)))
        else:
            files.append(RequestFile(name=name, data=data))
    if more := names[most:]:
        text = f"at most {most} are taken in one go"
        refused.append(_refused(file=f"{len(more)} more", code=RequestManyError.code, text=text))
    return tuple(files), tuple(refused)


def _mark_file(file: RequestFile) -> tuple[str, str]:
    return file.name, sha256(file.data).hexdigest()


def _mark_row(row: rs.RequestSummary) -> tuple[str, str]:
    return row.file, row.code


def _late(row: rs.RequestSummary) -> rs.RequestSummary:
    """Return the row of a request that could be signed, but in the next job only."""
    text = "this job's requests are signed, and its top-up is made, without it"
    return replace(row, approval="", code=RequestLateError.code, text=text)


def _misplaced(file: str, text: str) -> rs.RequestSummary:
    return _refused(file=file, code=RequestPlaceError.code, text=text)


def _refused(*, file: str, code: str, text: str) -> rs.RequestSummary:
    """Return what is shown of a request that cannot even be read."""
    return rs.RequestSummary(
        place=0,
        file=file,
        class_name="",
        target="",
        subject="",
        algorithm="",
        key_sha256="",
        words=(),
        approval="",
        served=False,
        code=code,
        text=text,
    )
