"""A signing request (PKCS #10, RFC 2986) from who knows whom: read, bounded, its key proven.

Rules:
1. A file holds exactly one request, DER or one PEM block; text around the block, as some programs write it,
   is passed over. A file with a private key is refused before anything else is looked at.
2. The key is of one of the eight algorithms (core.crypto.keys), in its one canonical encoding, not known to be
   weak (core.crypto.keys), and has signed the request with a sound hash.
3. Only the key is taken. The subject is made printable and short, for a person to look at; attributes,
   extensions among them, are not even read. What a certificate says is the policy's (core.issue.profile).
4. Whatever a library throws at such bytes, a panic included, leaves here as a RequestError.

Signing requests against the plan: which may be signed, and which gap each of them fills.

Rules:
1. Only targets with `own_key` take requests; the key's algorithm is the target's.
2. A key is certified once: one that has any certificate of ours, the box's own keys included, is refused,
   and of two requests for one key the first is taken.
3. Requests of a target are taken in the order of their file names, as many as it has gaps. What is over
   is refused now, and may come again.
4. A request fills one gap, whole; the earliest gaps first, lane by lane, in the plan's order. The plan has
   none that lies in the past (core.plan.gaps), so nothing is certified for the past.
5. A request whose key holds a live certificate of that target already is served: the stick came back.

Pure. Reading bytes is core.issue.requests's, signing core.authority.requests's.
"""

import base64
import hashlib
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final, cast

import msgspec
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from core.api.csr_files import MAX_REQUEST_BYTES, RequestFile, Wanted, parse_name, request_order
from core.certificate import Certificate
from core.crypto.keys import PublicKey, algorithm_name, fault_in_key
from core.crypto.recipients import holds_private_key, refusing
from core.errors import (
    IssueError,
    RequestError,
    RequestGapError,
    RequestKeyError,
    RequestNameError,
    RequestPrivateError,
    RequestProofError,
    RequestTargetError,
    RequestUsedError,
)
from core.plan.gaps import Gap
from core.policy.policy import Policy

MAX_SUBJECT: Final = 128
_DER_SEQUENCE: Final = 0x30
_SOUND_HASHES: Final = (
    hashes.SHA256, hashes.SHA384, hashes.SHA512, hashes.SHA3_256, hashes.SHA3_384, hashes.SHA3_512,
)  # fmt: skip
_BLOCK: Final = re.compile(
    rb"-----BEGIN (NEW |)CERTIFICATE REQUEST-----\s([A-Za-z0-9+/=\s]*)-----END \1CERTIFICATE REQUEST-----"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Csr:
    """A request that passed every rule here.

    Args:
        subject: Its subject as text (RFC 4514), printable ASCII, at most MAX_SUBJECT characters; a claim of
            whoever made it, good for nothing but to be looked at.
        algorithm: A name of config.yaml, such as ed25519.
        public_key: Its key.
        key_sha256: SHA-256 of the key as DER SubjectPublicKeyInfo (RFC 5280 4.1.2.7), 64 hex digits.
    """

    subject: str
    algorithm: str
    public_key: PublicKey = field(repr=False)
    key_sha256: str


def parse_csr(data: bytes) -> Csr:
    """Read one request.

    Args:
        data: The file's bytes.

    Raises:
        RequestPrivateError: It holds a private key (E-REQUEST-PRIVATE).
        RequestKeyError: The key is of no algorithm that PiSM knows, oddly written, or weak (E-REQUEST-KEY).
        RequestProofError: The key did not sign it (E-REQUEST-PROOF).
        RequestError: Too large, more than one, or no request at all (E-REQUEST).
    """
    if len(data) > MAX_REQUEST_BYTES:
        raise RequestError(f"it is larger than {MAX_REQUEST_BYTES} bytes")
    if holds_private_key(data):
        raise RequestPrivateError("it holds a private key; only a request may come here")
    der = _find_der(data)
    with refusing(RequestError("it is no signing request that can be read")):
        request = x509.load_der_x509_csr(der)
        subject = show_text(request.subject.rfc4514_string(), MAX_SUBJECT)
        signed = request.tbs_certrequest_bytes
    with refusing(RequestKeyError("its key is none that PiSM knows")):
        key = cast("PublicKey", request.public_key())
        info = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    _check_key(key, info, signed)
    with refusing(RequestProofError("its signature cannot be verified")):
        digest = request.signature_hash_algorithm
        proven = request.is_signature_valid and (digest is None or isinstance(digest, _SOUND_HASHES))
    if not proven:
        raise RequestProofError("it is not signed by its own key, or with a hash that is not sound")
    return Csr(
        subject=subject or "(empty)",
        algorithm=algorithm_name(key),
        public_key=key,
        key_sha256=hashlib.sha256(info).hexdigest(),
    )


def show_text(text: str, longest: int) -> str:
    """Return hostile text in printable ASCII, whatever else is in it escaped, its end cut with "..".

    Args:
        text: Any.
        longest: Characters that are left at most.
    """
    shown = "".join(
        char
        if " " <= char <= "~"
        else char.encode("ascii", "backslashreplace").decode()
        if char > "\x7f"
        else f"\\x{ord(char):02x}"
        for char in text[: longest + 1]
    )
    return shown if len(shown) <= longest else shown[: longest - 2] + ".."


def _find_der(data: bytes) -> bytes:
    """Return the request's DER, out of its PEM block where it has one."""
    if data[:1] == bytes([_DER_SEQUENCE]):
        return data
    found = _BLOCK.search(data) if data.count(b"-----BEGIN ") == 1 else None
    if found is None:
        raise RequestError("it holds no request, or more than one")
    with refusing(RequestError("its PEM block is no base64")):
        return base64.b64decode(b"".join(found[2].split()), validate=True)


def _check_key(key: PublicKey, info: bytes, signed: bytes) -> None:
    """Refuse a key that no certificate may hold (rule 2)."""
    try:
        algorithm_name(key)
    except IssueError:
        raise RequestKeyError("its key is of none of the algorithms, sizes and exponents of PiSM") from None
    # What stands in the certificate is then what the requester's own programs hash.
    if info not in signed:
        raise RequestKeyError("its key is not written in the one usual way")
    if fault := fault_in_key(key):
        raise RequestKeyError(f"its key is weak: {fault}")


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
        raise RequestNameError("its file name is not class.target.csr or class.target.label.csr")
    target = policy.signers.classes.get(wanted.class_name, {}).get(wanted.target)
    if target is None:
        raise RequestTargetError(f"the policy has no target {wanted.class_name}/{wanted.target}")
    if not target.own_key:
        raise RequestTargetError(f"keys of {wanted.class_name}/{wanted.target} are made on the box")
    return wanted


def admit_requests(
    read: Iterable[Judged], gaps: Iterable[Gap], holders: Mapping[str, Holder]
) -> tuple[Judged, ...]:
    """Judge requests against each other, the plan and all that was ever issued (rules 2, 3, 5).

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
