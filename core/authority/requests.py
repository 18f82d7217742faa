"""Signing requests: what a stick or folder brings is shown first, and signed as it was shown.

Rules:
1. `propose_requests` changes nothing. What a person approves is named by a hash over all that was shown and
   over the file; at signing everything is judged anew, and one difference signs nothing at all.
2. Roots that the plan lacks are issued first, as by a top-up: a signer needs one that covers its start.
3. Each certificate comes from a rehearsed press, as every other does; only its key is from outside.
4. All of them and their journal entry are one transaction. The entry names the file, the key and the subject
   of each request. No private key is kept: there is none.
"""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from msgspec.structs import replace

from core.api import results
from core.api.csr_files import MAX_REQUESTS, RequestFile
from core.authority.top_up import found_roots, load_root
from core.certificate import Issued
from core.crypto.pkcs8 import hash_public_key
from core.crypto.recipients import fingerprint_words
from core.errors import RequestChangedError, RequestManyError
from core.issue.issuance import Press, press_signers
from core.issue.requests import Holder, Judged, Request, admit_requests, fill_gaps, read_requests
from core.plan.gaps import Gap, Plan, choose_issuer, find_gaps
from core.policy.policy import Policy
from core.progress import Progress, Report
from core.store import journal
from core.store.store import Store

if TYPE_CHECKING:
    from core.issue.issuing_key import Signing

WHAT = "request"


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
    judged = _judge(store, policy, files, find_gaps(policy, store.certificates(), now), now)
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
        report: Told (certificates done, in all, what); may raise StoppedError, which keeps roots only.

    Raises:
        RequestChangedError: A file is not what was approved (E-REQUEST-CHANGED).
        RequestError: One can be signed no longer; the code says why (E-REQUEST-...).
        CheckError: A named rule failed; nothing was kept (E-CHECK).
        StoppedError: From `report`.
    """
    plan = find_gaps(policy, store.certificates(), now)
    requests = _approved(_judge(store, policy, files, plan, now), approved)
    if not requests:
        return results.RequestsSigned(roots=0, late_roots=0, signed=())
    total = len(plan.roots) + len(requests)
    found_roots(store, policy, plan, now, lambda told: report(replace(told, total=total)))
    presses = _Presses(store, policy)
    signed: list[tuple[Issued, Request]] = []
    for gap, request in fill_gaps(plan.requests, requests):
        report(Progress(done=len(plan.roots) + len(signed), total=total, what=WHAT))
        signed.append((presses.find(gap).certify(gap, now, request.csr.public_key), request))
    with store.transaction():
        store.add([issued for issued, _ in signed])
        journal.append(store, "issue", _detail(signed), now)
    report(Progress(done=total, total=total, what=WHAT))
    return results.RequestsSigned(
        roots=len(plan.roots),
        late_roots=len(plan.late_roots(policy, now)),
        signed=tuple(_tell(issued, request) for issued, request in signed),
    )


class _Presses:
    """One rehearsed press for each target and root, made when it is first asked for."""

    def __init__(self, store: Store, policy: Policy) -> None:
        self._store, self._policy = store, policy
        self._roots = store.certificates("root")
        self._signings: dict[str, Signing] = {}
        self._presses: dict[tuple[str, str], Press] = {}

    def find(self, gap: Gap) -> Press:
        issuer = choose_issuer(self._policy, self._roots, gap.issue_from)
        if issuer.id not in self._signings:
            self._signings[issuer.id] = load_root(self._store, issuer)
        place = (issuer.id, gap.path)
        if place not in self._presses:
            self._presses[place] = press_signers(
                self._policy, gap.class_name or "", gap.target or "", self._signings[issuer.id]
            )
        return self._presses[place]


def _judge(
    store: Store, policy: Policy, files: Sequence[RequestFile], plan: Plan, now: datetime
) -> tuple[Judged, ...]:
    if len(files) > MAX_REQUESTS:
        raise RequestManyError(f"there are {len(files)} requests; at most {MAX_REQUESTS} are taken in one go")
    read = read_requests(policy, files)
    keys = {item.request.csr.key_sha256 for item in read if item.request is not None}
    return admit_requests(read, plan.requests, _find_holders(store, keys, now))


def _find_holders(store: Store, keys: Collection[str], now: datetime) -> dict[str, Holder]:
    """Return whose each of these keys is; all that was ever issued is looked through."""
    if not keys:
        return {}
    wanted = {bytes.fromhex(key) for key in keys}
    issued = {item.id: item for item in store.certificates()}
    holders: dict[str, Holder] = {}
    for id_, der in store.ders(issued):
        digest = hash_public_key(der)
        if digest in wanted:
            item = issued[id_]
            live = item.revoked_at is None and issued[item.issuer].revoked_at is None
            holders[digest.hex()] = Holder(certificate=item, live=live and now < item.issue_until)
    return holders


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
