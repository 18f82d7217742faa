"""The press: a rehearsed profile under one root, and the only thing that signs certificates.

Rules:
    1. A press exists only once its profile was rehearsed: a throwaway key signed a certificate of it, and
       every rule of core.issue.checks held. So the root's key never signs what was not rehearsed.
    2. Each certificate passes the rules before its root signs it, is parsed back from its bytes, and passes
       the rules after signing, the root's signature among them, before anybody gets it.
    3. Serial numbers are 159 random bits, ids random UUIDs; each certificate has a key of its own.
    4. What is equal for a whole press (names, extensions) is built once; nothing is checked only once.

What a press says is core.issue.profile's; under which root it works is the caller's.

Issuing roots, signers and seals by the policy: a press for each, and one certificate at once.

Rules: whoever issues many keeps the press, which was rehearsed when it was made; whoever issues one calls
`issue_root`, `issue_signer` or `issue_seal`, which rehearse first too. Choosing the root, storing and
journaling are the caller's.
"""

import hashlib
import uuid
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from core.certificate import Certificate, Issued
from core.crypto.keys import ALGORITHMS, PrivateKey, PublicKey, encode_key, make_key
from core.errors import IssueError
from core.issue.checks import Mould, check_after, check_before
from core.issue.issuing_key import Signing, load_signing
from core.issue.profile import Profile, make_extension, root_profile, seal_profile, signer_profile
from core.issue.template import Asked
from core.plan.gaps import Gap
from core.policy.policy import Policy

# Any period does for a root's rehearsal: a root has no issuer whose dates would bind it.
_SAMPLE_DAY = datetime(2000, 1, 1, tzinfo=UTC)
_ONE_DAY = timedelta(days=1)


class Press:
    """A rehearsed profile under one root.

    Args:
        profile: What the certificates say.
        issuer: The root that signs; None for roots, which sign themselves.

    Raises:
        CheckError: The rehearsal broke a named rule; the root's key was not used (E-CHECK).
        IssueError: A name does not fit into a certificate (E-ISSUE).
    """

    __slots__ = ("_constant", "_issuer", "_mould", "_profile")

    def __init__(self, profile: Profile, issuer: Signing | None) -> None:
        self._profile = profile
        self._issuer = issuer
        self._constant = profile.extensions
        if issuer is not None:
            self._constant = (*self._constant, _authority_key_id(issuer.key_id))
        self._mould: Mould | None = None
        self._mould = self._rehearse()

    def issue(self, gap: Gap, now: datetime, key: PrivateKey | None = None) -> Issued:
        """Sign the certificate that fills a gap.

        Args:
            gap: Of this press's kind, class and target.
            now: Aware UTC.
            key: Its key, fresh from `make_keys`; made here if None.

        Raises:
            CheckError: A named rule does not hold (E-CHECK).
            IssueError: The gap is another target's (E-ISSUE).
        """
        self._require_mine(gap)
        return self._issue(gap, now, key or make_key(self._profile.algorithm))

    def certify(self, gap: Gap, now: datetime, key: PublicKey) -> Issued:
        """Sign the certificate that fills a gap for a key whose private half is elsewhere.

        Args:
            gap: A signer's, of this press's class and target.
            now: Aware UTC.
            key: Proven to be held by whoever asked (core.issue.requests).

        Returns:
            The certificate, with no private key.

        Raises:
            CheckError: A named rule does not hold; the key is of another algorithm, too (E-CHECK).
            IssueError: The gap is another target's, or a root's (E-ISSUE).
        """
        self._require_mine(gap)
        if self._issuer is None:
            raise IssueError("a root's key is made here, or it is no root of ours")
        asked = self._ask(gap, now, key)
        der, _ = self._sign(asked, self._issuer.private_key, self._issuer.x509)
        return self._record(asked, gap, der, b"")

    def issue_seal(self, now: datetime) -> Issued:
        """Sign a seal, which lives as long as its root.

        Args:
            now: Aware UTC.

        Raises:
            CheckError: A named rule does not hold (E-CHECK).
            IssueError: This is no press for seals (E-ISSUE).
        """
        if self._profile.kind != "seal" or self._issuer is None:
            raise IssueError(f"a seal was asked of the press for a {self._profile.kind}")
        return self._issue(self._issuer.certificate, now, make_key(self._profile.algorithm))

    def _require_mine(self, gap: Gap) -> None:
        mine = (self._profile.kind, self._profile.class_name, self._profile.target)
        if (gap.kind, gap.class_name, gap.target) != mine:
            raise IssueError(f"a gap of {gap.path} came to the press of another target")

    def _rehearse(self) -> Mould | None:
        """Sign a sample with throwaway keys, run every rule over it, and return what it has cast."""
        profile = self._profile
        if self._issuer is None:
            key = make_key(profile.algorithm)
            sample = _sample(profile, _SAMPLE_DAY)
            self._sign(self._ask(sample, sample.issue_from, key.public_key()), key, None)
            return None  # A root's extensions name its own key twice: every rule runs over every root.
        root, stand_in = self._issuer.certificate, self._issuer.stand_in
        same = profile.algorithm == root.algorithm
        key = stand_in.private_key if same else make_key(profile.algorithm)
        stretch = root if profile.kind == "seal" else _sample(profile, root.issue_from)
        asked = self._ask(stretch, root.issue_from, key.public_key())
        return self._sign(asked, stand_in.private_key, stand_in.x509)[1]

    def _issue(self, stretch: Gap | Certificate, now: datetime, key: PrivateKey) -> Issued:
        asked = self._ask(stretch, now, key.public_key())
        if self._issuer is None:
            der, _ = self._sign(asked, key, None)
        else:
            der, _ = self._sign(asked, self._issuer.private_key, self._issuer.x509)
        return self._record(asked, stretch, der, encode_key(key))

    def _record(self, asked: Asked, stretch: Gap | Certificate, der: bytes, key: bytes) -> Issued:
        """Return what was signed with what is to be remembered of it."""
        certificate = Certificate(
            id=asked.id,
            kind=asked.kind,
            class_name=self._profile.class_name,
            target=self._profile.target,
            lane=stretch.lane,
            period=stretch.period,
            algorithm=asked.algorithm,
            issue_from=asked.issue_from,
            issue_until=asked.issue_until,
            not_before=asked.not_before,
            not_after=asked.not_after,
            serial=asked.serial,
            issuer=asked.id if asked.issuer is None else asked.issuer.id,
            sha256=hashlib.sha256(der).hexdigest(),
        )
        return Issued(certificate=certificate, der=der, key=key)

    def _ask(self, stretch: Gap | Certificate, now: datetime, public_key: PublicKey) -> Asked:
        """Say what the certificate for one stretch of time is to be."""
        profile, issuer = self._profile, self._issuer
        root = issuer.certificate if issuer is not None else None
        certificate_id = str(uuid.uuid4())
        subject = profile.subject(certificate_id, stretch.period, stretch.lane)
        key_id = x509.SubjectKeyIdentifier.from_public_key(public_key)
        extensions = (*self._constant, make_extension(key_id, critical=False))
        if issuer is None:
            extensions = (*extensions, _authority_key_id(key_id.digest))
        not_before, not_after = profile.validity(stretch.issue_from, stretch.issue_until, root)
        return Asked(
            kind=profile.kind,
            id=certificate_id,
            algorithm=profile.algorithm,
            issuer_algorithm=profile.algorithm if root is None else root.algorithm,
            issuer=root,
            issuer_key_id=key_id.digest if issuer is None else issuer.key_id,
            subject=subject,
            serial=x509.random_serial_number(),
            issue_from=stretch.issue_from,
            issue_until=stretch.issue_until,
            not_before=not_before,
            not_after=not_after,
            public_key=public_key,
            extensions=extensions,
            now=now,
        )

    def _sign(
        self, asked: Asked, private_key: PrivateKey, issuer: x509.Certificate | None
    ) -> tuple[bytes, Mould]:
        """Sign what passes the rules before; return bytes and mould of what passes the rules after."""
        check_before(asked)
        # All at once: each setter would copy the builder. What the setters look at, the rules do too.
        signed = x509.CertificateBuilder(
            issuer_name=asked.subject if issuer is None else issuer.subject,
            subject_name=asked.subject,
            public_key=asked.public_key,
            serial_number=asked.serial,
            not_valid_before=asked.not_before.replace(tzinfo=None),
            not_valid_after=asked.not_after.replace(tzinfo=None),
            extensions=list(asked.extensions),
        ).sign(private_key, ALGORITHMS[asked.issuer_algorithm].digest)
        der = signed.public_bytes(Encoding.DER)
        return der, check_after(asked, der, issuer, self._mould)


def _sample(profile: Profile, day: datetime) -> Gap:
    return Gap(
        kind="root" if profile.kind == "root" else "signer",
        class_name=profile.class_name,
        target=profile.target,
        lane=1 if profile.kind == "signer" else None,
        period="rehearsal",
        issue_from=day,
        issue_until=day + _ONE_DAY,
    )


def _authority_key_id(key_id: bytes) -> x509.Extension[x509.ExtensionType]:
    value = x509.AuthorityKeyIdentifier(
        key_identifier=key_id, authority_cert_issuer=None, authority_cert_serial_number=None
    )
    return make_extension(value, critical=False)


__all__ = [
    "Issued",
    "Press",
    "Signing",
    "issue_root",
    "issue_seal",
    "issue_signer",
    "load_signing",
    "press_roots",
    "press_seals",
    "press_signers",
]


def press_roots(policy: Policy) -> Press:
    """Rehearse the policy's roots and return the press that issues them.

    Raises:
        CheckError: A named rule does not hold (E-CHECK).
        IssueError: A name does not fit into a certificate (E-ISSUE).
    """
    return Press(root_profile(policy), None)


def press_signers(policy: Policy, class_name: str, target: str, issuer: Signing) -> Press:
    """Rehearse one target's signers under one root and return the press that issues them.

    Args:
        policy: The approved policy.
        class_name: Class in the policy.
        target: Target in the class.
        issuer: The root; only a throwaway key in its place signs here.

    Raises:
        PolicyError: There is no such target (E-POLICY).
        CheckError: A named rule does not hold (E-CHECK).
        IssueError: A name, constraint or URL does not fit into a certificate (E-ISSUE).
    """
    return Press(signer_profile(policy, class_name, target, issuer.certificate.id), issuer)


def press_seals(policy: Policy, issuer: Signing) -> Press:
    """Rehearse a root's seal and return the press that issues it.

    Raises:
        CheckError: A named rule does not hold (E-CHECK).
        IssueError: A name does not fit into a certificate (E-ISSUE).
    """
    return Press(seal_profile(policy, issuer.certificate), issuer)


def issue_root(policy: Policy, gap: Gap, now: datetime) -> Issued:
    """Rehearse, then issue one root.

    Raises:
        CheckError: A named rule does not hold (E-CHECK).
        IssueError: The gap is no root's (E-ISSUE).
    """
    return press_roots(policy).issue(gap, now)


def issue_signer(policy: Policy, gap: Gap, issuer: Signing, now: datetime) -> Issued:
    """Rehearse, then issue one signer.

    Raises:
        PolicyError: The policy has no such target (E-POLICY).
        CheckError: A named rule does not hold (E-CHECK).
        IssueError: The gap is no signer's (E-ISSUE).
    """
    return press_signers(policy, gap.class_name or "", gap.target or "", issuer).issue(gap, now)


def issue_seal(policy: Policy, issuer: Signing, now: datetime) -> Issued:
    """Rehearse, then issue the seal of a root: as long-lived as the root, with its algorithm.

    Raises:
        CheckError: A named rule does not hold (E-CHECK).
        IssueError: A name does not fit into a certificate (E-ISSUE).
    """
    return press_seals(policy, issuer).issue_seal(now)
