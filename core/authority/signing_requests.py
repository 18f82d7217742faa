"""Signing requests: held against the plan, shown to a person, and signed as they were shown.

1. Only targets with `own_key` take requests; the key's algorithm is the target's.
2. A key is certified once: one that has any certificate of ours, the box's own keys included, is refused,
   and of two requests for one key the first is taken. A request whose key holds a live certificate of that
   target already is served: the stick came back.
3. Requests of a target are taken in the order of their file names, as many as it has gaps; what is over is
   refused now, and may come again. One fills one gap, whole: the earliest first, lane by lane, in the plan's
   order. The plan has none that lies in the past (core.plan.gaps), so nothing is certified for the past.
4. `propose_requests` changes nothing. What a person approves is named by a hash over all that was shown and
   over the file; at signing everything is judged anew, and one difference signs nothing at all.
5. Roots that the plan lacks are issued first, as by a top-up: a signer wants one that covers its start.
6. Each certificate comes from a rehearsed issuance, as every other does; only its key is from outside.
7. All of them and their journal entry are one transaction. The entry names the file, the key and the subject
   of each request. No private key is kept: there is none.

What the bytes of a request are is core.issue.csr's.
"""

import hashlib
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

import msgspec
import msgspec.structs

from core.api import results
from core.api.csr_files import MAX_REQUESTS, RequestFile, Wanted, fault_in_name, parse_name, request_order
from core.authority.costs import cost_of_requests
from core.authority.top_up import found_roots
from core.certificate import Certificate, Issued
from core.crypto.pkcs8 import hash_public_key
from core.crypto.recipients import fingerprint_words
from core.errors import (
    RequestChangedError,
    RequestError,
    RequestGapError,
    RequestKeyError,
    RequestManyError,
    RequestNameError,
    RequestTargetError,
    RequestUsedError,
)
from core.issue.csr import Csr, parse_csr, show_text
from core.issue.issuance import Issuances
from core.plan.gaps import Gap, Plan, find_gaps
from core.policy.policy import Policy
from core.progress import Progress, Report, Weighed
from core.store import journal
from core.store.store import Store

WHAT = "request"

MAX_FILE_NAME = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A request that can be read and is for a target of the policy.

    Args:
        file: Its file's name, printable and cut.
        file_sha256: Of the file's bytes, 64 hex digits.
        class_name: What it asks for.
        target: The same.
        csr: What its bytes say.
    """

    file: str
    file_sha256: str
    class_name: str
    target: str
    csr: Csr

    @property
    def path(self) -> str:
        """`class/target`, as Gap.path."""
        return f"{self.class_name}/{self.target}"

    @property
    def approval(self) -> str:
        """SHA-256 over all that a person is shown of it, and over its file: what an approval names."""
        shown = (self.file, self.file_sha256, self.path, self.csr.subject, self.csr.algorithm)
        return hashlib.sha256(msgspec.json.encode((*shown, self.csr.key_sha256))).hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """What one file came to.

    Args:
        place: Among the files that were brought, from 0.
        file: Its name, printable and cut.
        request: What it asks for, where it can be read.
        refusal: Why it cannot be signed; None if it can, or is served.
        served: Its key has its certificate already.
    """

    place: int
    file: str
    request: Request | None = None
    refusal: RequestError | None = field(default=None, compare=False)
    served: bool = False

    @property
    def signable(self) -> bool:
        """Whether it may be shown for approval."""
        return self.request is not None and self.refusal is None and not self.served


@dataclass(frozen=True, slots=True, kw_only=True)
class Holder:
    """Whose key one is already: the certificate, and whether it is of any use still."""

    certificate: Certificate
    live: bool


def propose_requests(
    store: Store, policy: Policy, files: Sequence[RequestFile], now: datetime
) -> results.RequestsProposal:
    """Return what each file asks for, for a person to approve.

    Args:
        store: Open.
        policy: The approved policy.
        files: At most MAX_REQUESTS.
        now: Aware UTC, whole seconds.

    Raises:
        RequestManyError: There are more than MAX_REQUESTS (E-REQUEST-MANY).
        ClockError: The year of `now` fits in no certificate (E-CLOCK).
    """
    judged = _judge(store, policy, files, find_gaps(policy, store.certificates(alive_at=now), now), now)
    return results.RequestsProposal(requests=tuple(map(_summarize, judged)))


def sign_requests(
    store: Store,
    policy: Policy,
    files: Sequence[RequestFile],
    approved: Collection[str],
    *,
    now: datetime,
    report: Report,
) -> results.RequestsSigned:
    """Sign the requests that a person approved; all of them, or none.

    Args:
        store: Open, in no transaction.
        policy: The approved policy.
        files: Those that were approved, and no other.
        approved: What `propose_requests` named them by.
        now: Aware UTC, whole seconds.
        report: Told of roots, seals and requests; may raise StoppedError, which keeps roots only.

    Raises:
        RequestChangedError: A file is not what was approved (E-REQUEST-CHANGED).
        RequestError: One can be signed no longer; the code says why (E-REQUEST-...).
        CheckError: A named rule failed; nothing was kept (E-CHECK).
        StoppedError: From `report`.
    """
    issued = store.certificates(alive_at=now)
    plan = find_gaps(policy, issued, now)
    requests = _approved(_judge(store, policy, files, plan, now), approved)
    if not requests:
        return results.RequestsSigned(roots=0, late_roots=0, signed=())
    total = len(requests)
    weighed = Weighed(report, cost_of_requests(policy, plan, issued, total))
    found_roots(store, policy, plan, now, weighed)
    issuances = Issuances(store, policy)
    signed: list[tuple[Issued, Request]] = []
    for gap, request in fill_gaps(plan.requests, requests):
        weighed(Progress(done=len(signed), total=total, what=WHAT))
        signed.append((issuances.find(gap).certify(gap, now, request.csr.public_key), request))
    with store.transaction():
        store.add([issued for issued, _ in signed])
        journal.append(store, "issue", _detail(signed), now)
    weighed(Progress(done=total, total=total, what=WHAT))
    return results.RequestsSigned(
        roots=len(plan.roots),
        late_roots=len(plan.late_roots(policy, now)),
        signed=tuple(_tell(issued, request) for issued, request in signed),
    )


def _judge(
    store: Store, policy: Policy, files: Sequence[RequestFile], plan: Plan, now: datetime
) -> tuple[Judged, ...]:
    if len(files) > MAX_REQUESTS:
        raise RequestManyError(f"there are {len(files)} requests; at most {MAX_REQUESTS} are taken in one go")
    read = read_requests(policy, files)
    keys = {item.request.csr.key_sha256 for item in read if item.request is not None}
    return admit_requests(read, plan.requests, _find_holders(store, keys, now))


def read_requests(policy: Policy, files: Iterable[RequestFile]) -> tuple[Judged, ...]:
    """Read files and say what each asks for (rule 1), in the order in which they are taken (rule 3).

    Args:
        policy: The approved policy.
        files: From anywhere; bounded by the caller in number.
    """
    ordered = sorted(enumerate(files), key=lambda item: (request_order(item[1].name), item[1].data))
    return tuple(_read(policy, file, place) for place, file in ordered)


def _read(policy: Policy, file: RequestFile, place: int) -> Judged:
    name = show_text(file.name, MAX_FILE_NAME)
    try:
        wanted = _find_target(policy, file.name)
        csr = parse_csr(file.data)
        algorithm = policy.algorithm_of(policy.signers.classes[wanted.class_name][wanted.target])
        if csr.algorithm != algorithm:
            raise RequestKeyError(f"its key is {csr.algorithm}; the target's signers have {algorithm}")
    except RequestError as refusal:
        return Judged(place=place, file=name, refusal=refusal)
    request = Request(
        file=name,
        file_sha256=hashlib.sha256(file.data).hexdigest(),
        class_name=wanted.class_name,
        target=wanted.target,
        csr=csr,
    )
    return Judged(place=place, file=name, request=request)


def _find_target(policy: Policy, name: str) -> Wanted:
    wanted = parse_name(name)
    if wanted is None:
        raise RequestNameError(fault_in_name(name))
    target = policy.signers.classes.get(wanted.class_name, {}).get(wanted.target)
    if target is None:
        raise RequestTargetError(f"the policy has no target {wanted.class_name}/{wanted.target}")
    if not target.own_key:
        raise RequestTargetError(f"keys of {wanted.class_name}/{wanted.target} are made on the box")
    return wanted


def _find_holders(store: Store, keys: Collection[str], now: datetime) -> dict[str, Holder]:
    """Return whose each of these keys is; all that was ever issued is looked through."""
    if not keys:
        return {}
    wanted = {bytes.fromhex(key) for key in keys}
    revoked = {root.id for root in store.certificates("root") if root.revoked_at is not None}
    holders: dict[str, Holder] = {}
    for item, der in store.each_der():
        if der is not None and (digest := hash_public_key(der)) in wanted:
            live = item.revoked_at is None and item.issuer not in revoked
            holders[digest.hex()] = Holder(certificate=item, live=live and now < item.issue_until)
    return holders


def admit_requests(
    read: Iterable[Judged], gaps: Iterable[Gap], holders: Mapping[str, Holder]
) -> tuple[Judged, ...]:
    """Judge requests against each other, the plan and all that was ever issued (rules 2 and 3).

    Args:
        read: From `read_requests`, in its order.
        gaps: `Plan.requests`.
        holders: SHA-256 of a key -> whose it is; keys that are in no certificate are not there.
    """
    places = Counter(gap.path for gap in gaps)
    taken: set[str] = set()
    judged = []
    for item in read:
        if item.request is None:
            judged.append(item)
            continue
        path, key = item.request.path, item.request.csr.key_sha256
        holder = holders.get(key)
        if holder is not None and holder.live and holder.certificate.path == path:
            judged.append(replace(item, served=True))
            continue
        refusal = _refuse(item.request, places, taken, holder)
        if refusal is None:
            places[path] -= 1
            taken.add(key)
        judged.append(replace(item, refusal=refusal))
    return tuple(judged)


def _refuse(
    request: Request, places: Mapping[str, int], taken: set[str], holder: Holder | None
) -> RequestError | None:
    if holder is not None:
        kind, path = holder.certificate.kind, holder.certificate.path
        return RequestUsedError(f"its key has a certificate already, as a {kind} of {path}")
    if request.csr.key_sha256 in taken:
        return RequestUsedError("another request of the same key stands before it")
    if places[request.path] <= 0:
        return RequestGapError(f"no gap of {request.path} is left for it")
    return None


def fill_gaps(gaps: Iterable[Gap], requests: Sequence[Request]) -> tuple[tuple[Gap, Request], ...]:
    """Return which request fills which gap (rule 4), in issuing order.

    Args:
        gaps: `Plan.requests`: the earliest start first.
        requests: In the order in which they are taken; what finds no gap is left out.
    """
    waiting: dict[str, list[Request]] = {}
    for request in reversed(requests):
        waiting.setdefault(request.path, []).append(request)
    return tuple((gap, waiting[gap.path].pop()) for gap in gaps if waiting.get(gap.path))


def _approved(judged: Sequence[Judged], approved: Collection[str]) -> tuple[Request, ...]:
    """Return the requests, once each of them is one that was approved and each approval is one of theirs."""
    requests: list[Request] = []
    for item in judged:
        if item.request is None or item.request.approval not in approved:
            raise RequestChangedError(f"{item.file} is not what was shown")
        if item.refusal is not None:
            raise item.refusal
        if not item.served:  # signed meanwhile: what was asked for is done
            requests.append(item.request)
    if len(set(approved)) != len(judged):
        raise RequestChangedError("a request that was approved is missing")
    return tuple(requests)


def _detail(signed: Iterable[tuple[Issued, Request]]) -> dict[str, object]:
    """Return what the journal says of it; `certificates` as every issue has it."""
    pairs = tuple(signed)
    return {
        "certificates": [[issued.certificate.id, issued.certificate.sha256] for issued, _ in pairs],
        "requests": [
            {
                "file": request.file,
                "sha256": request.file_sha256,
                "key": request.csr.key_sha256,
                "subject": request.csr.subject,
            }
            for _, request in pairs
        ],
    }


def _summarize(judged: Judged) -> results.RequestSummary:
    request, refusal = judged.request, judged.refusal
    key = request.csr.key_sha256 if request else ""
    return results.RequestSummary(
        place=judged.place,
        file=judged.file,
        class_name=request.class_name if request else "",
        target=request.target if request else "",
        subject=request.csr.subject if request else "",
        algorithm=request.csr.algorithm if request else "",
        key_sha256=key,
        words=fingerprint_words(bytes.fromhex(key)) if key else (),
        approval=request.approval if request and judged.signable else "",
        served=judged.served,
        code=refusal.code if refusal else "",
        text=str(refusal) if refusal else "",
    )


def _tell(issued: Issued, request: Request) -> results.RequestSigned:
    certificate = issued.certificate
    return results.RequestSigned(
        file=request.file,
        certificate=certificate.id,
        path=certificate.path,
        lane=certificate.lane or 0,
        period=certificate.period,
        issue_from=certificate.issue_from,
        issue_until=certificate.issue_until,
    )
