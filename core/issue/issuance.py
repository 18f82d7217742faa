"""Issuance: a rehearsed profile under one root, and the only thing that signs certificates.

1. An issuance exists only once its profile was rehearsed: a throwaway key signed a certificate of it, and
   every rule of core.issue.checks held. So the root's key never signs what was not rehearsed.
2. Each certificate passes the rules before its root signs it, is parsed back from its bytes, and passes the
   rules after that, the root's signature among them, before anybody gets it. A root is built by the library,
   and so is what is rehearsed; all others are the rehearsed bytes, filled in (core.issue.rehearsed).
3. Serial numbers are 159 random bits, ids random UUIDs; each certificate has a key of its own.
4. What is equal for a whole issuance (issuer, extensions) is built once; nothing is checked only once.
   The throwaway keys are a process's, one for each algorithm: making one can take a second.
5. Whoever issues many keeps the issuance that `rehearse_roots`, `rehearse_signers` or `rehearse_seals` made,
   or takes it from `Issuances`, which chooses the root; whoever issues one calls `issue_root`, `issue_signer`
   or `issue_seal`, which rehearse first too.
6. An issuing key is a root that can sign: `load_root` or `load_issuing_key` saw that its record, certificate
   and private key belong together, once per root and session; the private key shows in no repr. It signs
   certificates here and revocations in core.issue.crl.

What a certificate says is core.issue.profile's. Storing and journaling are the caller's.
"""

import hashlib
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache, cached_property

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from core.certificate import Certificate, Issued
from core.crypto.keys import ALGORITHMS, PrivateKey, PublicKey, decode_key, encode_key, make_key
from core.errors import IssueError
from core.issue.checks import check_signed, check_templates
from core.issue.profile import Profile, Template, make_extension, root_profile, seal_profile, signer_profile
from core.issue.rehearsed import Rehearsed
from core.plan.gaps import Gap, choose_issuer
from core.policy.policy import Policy
from core.store.store import Store

# Any period does for a root's rehearsal: a root has no issuer whose dates would bind it.
_SAMPLE_DAY = datetime(2000, 1, 1, tzinfo=UTC)

_ONE_DAY = timedelta(days=1)


# No slots: the two cached properties are made on first use and kept.
@dataclass(frozen=True, kw_only=True)
class IssuingKey:
    """A root that can sign.

    Args:
        certificate: What is remembered of it.
        x509: The certificate itself.
        private_key: Its private key; the library's object shows no secret.
    """

    certificate: Certificate
    x509: x509.Certificate
    private_key: PrivateKey

    @cached_property
    def key_id(self) -> bytes:
        """The root's subject key identifier (RFC 5280 4.2.1.2, method 1)."""
        return x509.SubjectKeyIdentifier.from_public_key(self.private_key.public_key()).digest

    @cached_property
    def stand_in(self) -> "IssuingKey":
        """The same root with a throwaway key: what rehearsals sign with."""
        key = _throwaway_key(self.certificate.algorithm)
        certificate = (
            x509.CertificateBuilder()
            .issuer_name(self.x509.subject)
            .subject_name(self.x509.subject)
            .public_key(key.public_key())
            .serial_number(self.x509.serial_number)
            .not_valid_before(self.x509.not_valid_before_utc)
            .not_valid_after(self.x509.not_valid_after_utc)
            .sign(key, ALGORITHMS[self.certificate.algorithm].digest)
        )
        return IssuingKey(certificate=self.certificate, x509=certificate, private_key=key)


def load_issuing_key(certificate: Certificate, der: bytes, key: bytes) -> IssuingKey:
    """Return a root that can sign, once its parts are seen to belong together.

    Args:
        certificate: What the store remembers of it.
        der: The certificate's bytes.
        key: Its private key, unencrypted PKCS#8 DER.

    Raises:
        IssueError: It is no root, or record, certificate and key do not belong together (E-ISSUE).
    """
    name = f"{certificate.kind} {certificate.id}"
    if certificate.kind != "root":
        raise IssueError(f"{name} is no root, so it signs nothing")
    if hashlib.sha256(der).hexdigest() != certificate.sha256:
        raise IssueError(f"the bytes of {name} are not those that were issued")
    parsed = x509.load_der_x509_certificate(der)
    private_key = decode_key(key)
    if private_key.public_key() != parsed.public_key():
        raise IssueError(f"the key of {name} is another one's")
    return IssuingKey(certificate=certificate, x509=parsed, private_key=private_key)


def load_root(store: Store, root: Certificate) -> IssuingKey:
    """Return a root of the store, ready to sign.

    Raises:
        StateDamagedError: Its bytes are not those that were stored (E-STATE-DAMAGED).
        IssueError: Certificate and key do not belong together (E-ISSUE).
    """
    ((_, der),) = store.ders([root.id])
    ((_, key),) = store.keys([root.id])
    return load_issuing_key(root, der, key)


class Issuance:
    """A rehearsed profile under one root.

    Args:
        profile: What the certificates say.
        issuer: The root that signs; None for roots, which sign themselves.

    Raises:
        CheckError: The rehearsal broke a named rule; the root's key was not used (E-CHECK).
        IssueError: A name does not fit into a certificate (E-ISSUE).
    """

    __slots__ = ("_constant", "_issuer", "_profile", "_rehearsed")

    def __init__(self, profile: Profile, issuer: IssuingKey | None) -> None:
        self._profile = profile
        self._issuer = issuer
        self._constant = profile.extensions
        if issuer is not None:
            self._constant = (*self._constant, _authority_key_id(issuer.key_id))
        self._rehearsed: Rehearsed | None = None
        self._rehearsed = self._rehearse()

    @property
    def algorithm(self) -> str:
        """Algorithm of the keys that it certifies, named as in config.yaml."""
        return self._profile.algorithm

    def issue(self, gap: Gap, now: datetime, key: PrivateKey | None = None) -> Issued:
        """Sign the certificate that fills a gap.

        Args:
            gap: Of this issuance's kind, class and target.
            now: Aware UTC.
            key: Its key, fresh from `make_keys`; made here if None.

        Raises:
            CheckError: A named rule does not hold (E-CHECK).
            IssueError: The gap is another target's (E-ISSUE).
        """
        self._require_mine(gap)
        (issued,) = self._issue((gap,), now, (key or make_key(self._profile.algorithm),))
        return issued

    def issue_all(self, gaps: Sequence[Gap], now: datetime) -> list[Issued]:
        """Sign the certificates that fill some gaps, each with a key that is made here.

        May be called in several threads at the same time.

        Args:
            gaps: As for `issue`; some dozens are quicker than one, and many more are not.
            now: Aware UTC.

        Returns:
            One for each gap, in their order.

        Raises:
            CheckError: A named rule does not hold for one of them (E-CHECK).
            IssueError: A gap is another target's (E-ISSUE).
        """
        for gap in gaps:
            self._require_mine(gap)
        return self._issue(gaps, now, [make_key(self._profile.algorithm) for _ in gaps])

    def certify(self, gap: Gap, now: datetime, key: PublicKey) -> Issued:
        """Sign the certificate that fills a gap for a key whose private half is elsewhere.

        Args:
            gap: A signer's, of this issuance's class and target.
            now: Aware UTC.
            key: Proven to be held by whoever asked (core.issue.csr).

        Returns:
            The certificate, with no private key.

        Raises:
            CheckError: A named rule does not hold; the key is of another algorithm, too (E-CHECK).
            IssueError: The gap is another target's, or a root's (E-ISSUE).
        """
        self._require_mine(gap)
        if self._issuer is None:
            raise IssueError("a root's key is made here, or it is no root of ours")
        template = self._make_template(gap, now, key)
        (der,) = self._sign((template,), (self._issuer.private_key,), self._issuer.x509)
        return self._record(template, gap, der, b"")

    def issue_seal(self, now: datetime, key: PrivateKey | None = None) -> Issued:
        """Sign a seal, which lives as long as its root.

        Args:
            now: Aware UTC.
            key: As for `issue`.

        Raises:
            CheckError: A named rule does not hold (E-CHECK).
            IssueError: This is no issuance of seals (E-ISSUE).
        """
        if self._profile.kind != "seal" or self._issuer is None:
            raise IssueError(f"a seal was asked of the issuance of a {self._profile.kind}")
        key = key or make_key(self._profile.algorithm)
        (issued,) = self._issue((self._issuer.certificate,), now, (key,))
        return issued

    def _require_mine(self, gap: Gap) -> None:
        mine = (self._profile.kind, self._profile.class_name, self._profile.target)
        if (gap.kind, gap.class_name, gap.target) != mine:
            raise IssueError(f"a gap of {gap.path} came to the issuance of another target")

    def _rehearse(self) -> Rehearsed | None:
        """Sign a sample with throwaway keys, run every rule over it, and return what the next ones share."""
        profile = self._profile
        if self._issuer is None:
            key = _throwaway_key(profile.algorithm)
            sample = _sample(profile, _SAMPLE_DAY)
            self._sign((self._make_template(sample, sample.issue_from, key.public_key()),), (key,), None)
            return None  # A root's extensions name its own key twice: every rule runs over every root.
        root, stand_in = self._issuer.certificate, self._issuer.stand_in
        stretch = root if profile.kind == "seal" else _sample(profile, root.issue_from)
        public_key = _throwaway_key(profile.algorithm).public_key()
        template = self._make_template(stretch, root.issue_from, public_key)
        (der,) = self._sign((template,), (stand_in.private_key,), stand_in.x509)
        return Rehearsed.cut(der, template.key_id)

    def _issue(
        self, stretches: Sequence[Gap | Certificate], now: datetime, keys: Sequence[PrivateKey]
    ) -> list[Issued]:
        made = tuple(zip(stretches, keys, strict=True))
        templates = [self._make_template(stretch, now, key.public_key()) for stretch, key in made]
        if self._issuer is None:
            ders = self._sign(templates, keys, None)
        else:
            ders = self._sign(templates, [self._issuer.private_key] * len(keys), self._issuer.x509)
        return [
            self._record(template, stretch, der, encode_key(key))
            for (stretch, key), template, der in zip(made, templates, ders, strict=True)
        ]

    def _record(self, template: Template, stretch: Gap | Certificate, der: bytes, key: bytes) -> Issued:
        """Return what was signed with what is to be remembered of it."""
        certificate = Certificate(
            id=template.id,
            kind=template.kind,
            class_name=self._profile.class_name,
            target=self._profile.target,
            lane=stretch.lane,
            period=stretch.period,
            algorithm=template.algorithm,
            issue_from=template.issue_from,
            issue_until=template.issue_until,
            not_before=template.not_before,
            not_after=template.not_after,
            serial=template.serial,
            issuer=template.id if template.issuer is None else template.issuer.id,
            sha256=hashlib.sha256(der).hexdigest(),
        )
        return Issued(certificate=certificate, der=der, key=key)

    def _make_template(self, stretch: Gap | Certificate, now: datetime, public_key: PublicKey) -> Template:
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
        return Template(
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
            key_id=key_id.digest,
            extensions=extensions,
            now=now,
        )

    def _sign(
        self,
        templates: Sequence[Template],
        signing_keys: Sequence[PrivateKey],
        issuer: x509.Certificate | None,
    ) -> list[bytes]:
        """Sign what passes the rules before; return the bytes of what passes the rules after."""
        check_templates(templates)
        signed = zip(templates, signing_keys, strict=True)
        if self._rehearsed is None:
            ders = [build_certificate(template, key, issuer) for template, key in signed]
        else:
            ders = [self._rehearsed.sign(template, key) for template, key in signed]
        check_signed(templates, ders, issuer, self._rehearsed)
        return ders


def build_certificate(template: Template, private_key: PrivateKey, issuer: x509.Certificate | None) -> bytes:
    """Return a certificate that the library built and signed: a root, or one to be rehearsed.

    Args:
        template: What it is to be.
        private_key: The issuer's.
        issuer: Whose subject is its issuer's name; None for a root.
    """
    # All at once: each setter would copy the builder. What the setters look at, the rules do too.
    builder = x509.CertificateBuilder(
        issuer_name=template.subject if issuer is None else issuer.subject,
        subject_name=template.subject,
        public_key=template.public_key,
        serial_number=template.serial,
        not_valid_before=template.not_before.replace(tzinfo=None),
        not_valid_after=template.not_after.replace(tzinfo=None),
        extensions=list(template.extensions),
    )
    return builder.sign(private_key, ALGORITHMS[template.issuer_algorithm].digest).public_bytes(Encoding.DER)


def rehearse_roots(policy: Policy) -> Issuance:
    """Rehearse the policy's roots, and return what issues them.

    Raises:
        CheckError: A named rule does not hold (E-CHECK).
        IssueError: A name does not fit into a certificate (E-ISSUE).
    """
    return Issuance(root_profile(policy), None)


def rehearse_signers(policy: Policy, class_name: str, target: str, issuer: IssuingKey) -> Issuance:
    """Rehearse one target's signers under one root, and return what issues them.

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
    return Issuance(signer_profile(policy, class_name, target, issuer.certificate.id), issuer)


def rehearse_seals(policy: Policy, issuer: IssuingKey) -> Issuance:
    """Rehearse a root's seal, and return what issues it.

    Raises:
        CheckError: A named rule does not hold (E-CHECK).
        IssueError: A name does not fit into a certificate (E-ISSUE).
    """
    return Issuance(seal_profile(policy, issuer.certificate), issuer)


class Issuances:
    """One rehearsed issuance for each target and root of a store, made when it is first asked for.

    Args:
        store: Open; its roots are read once.
        policy: The approved policy.
    """

    def __init__(self, store: Store, policy: Policy) -> None:
        self._store, self._policy = store, policy
        self._roots = store.certificates("root")
        self._issuing_keys: dict[str, IssuingKey] = {}
        self._issuances: dict[tuple[str, str], Issuance] = {}

    def find(self, gap: Gap) -> Issuance:
        """Return what fills a signer's gap: under the root that signs at its start.

        Raises:
            IssueError: No live root covers that instant (E-ISSUE).
            CheckError: The rehearsal broke a named rule (E-CHECK).
        """
        issuer = choose_issuer(self._policy, self._roots, gap.issue_from)
        if issuer.id not in self._issuing_keys:
            self._issuing_keys[issuer.id] = load_root(self._store, issuer)
        place = (issuer.id, gap.path)
        if place not in self._issuances:
            self._issuances[place] = rehearse_signers(
                self._policy, gap.class_name or "", gap.target or "", self._issuing_keys[issuer.id]
            )
        return self._issuances[place]


def issue_root(policy: Policy, gap: Gap, now: datetime) -> Issued:
    """Rehearse, then issue one root.

    Raises:
        CheckError: A named rule does not hold (E-CHECK).
        IssueError: The gap is no root's (E-ISSUE).
    """
    return rehearse_roots(policy).issue(gap, now)


def issue_signer(policy: Policy, gap: Gap, issuer: IssuingKey, now: datetime) -> Issued:
    """Rehearse, then issue one signer.

    Raises:
        PolicyError: The policy has no such target (E-POLICY).
        CheckError: A named rule does not hold (E-CHECK).
        IssueError: The gap is no signer's (E-ISSUE).
    """
    return rehearse_signers(policy, gap.class_name or "", gap.target or "", issuer).issue(gap, now)


def issue_seal(policy: Policy, issuer: IssuingKey, now: datetime) -> Issued:
    """Rehearse, then issue the seal of a root: as long-lived as the root, with its algorithm.

    Raises:
        CheckError: A named rule does not hold (E-CHECK).
        IssueError: A name does not fit into a certificate (E-ISSUE).
    """
    return rehearse_seals(policy, issuer).issue_seal(now)


@cache
def _throwaway_key(algorithm: str) -> PrivateKey:
    """Return the key that rehearses: nobody gets what it signs, so one for each algorithm does."""
    return make_key(algorithm)


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
