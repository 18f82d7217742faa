"""The words of config.yaml as frozen types (design 10); what their values must obey is in core.policy.rules.

Rules:
    1. Every section forbids unknown keys and holds tuples, so a setting cannot change after it was read.
    2. A bound that concerns one number stands here, beside the number; all others stand in core.policy.rules.
    3. `PolicySections` is what config.yaml and the pinned policy share; the box's own sections are Config's.

It reads nothing and checks nothing by itself.
"""

from collections.abc import Iterator
from fnmatch import fnmatchcase
from typing import Annotated, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

Algorithm = Literal["ed25519", "p256", "p384", "rsa3072", "rsa4096", "mldsa44", "mldsa65", "mldsa87"]
KeyPurpose = Literal[
    "server_auth", "client_auth", "code_signing", "email_protection", "time_stamping", "ocsp_signing"
]
Verifier = Literal[
    "botan", "cryptography", "gnutls", "go", "java", "mbedtls", "node", "nss", "openssl", "rustls", "wolfssl"
]
Days = Annotated[int, Meta(ge=1, le=3660)]
Years = Annotated[float, Meta(gt=0, le=20)]
Pin = Annotated[int, Meta(ge=0, le=27)]
Pins = Annotated[tuple[Pin, ...], Meta(min_length=4, max_length=4)]
Recipients = Annotated[tuple[str, ...], Meta(min_length=1, max_length=20)]
Names = Annotated[tuple[str, ...], Meta(max_length=100)]
Switch = bool | UnsetType
"""What an earlier release's policy does not have: unset, it is not written, and means false."""


class AuthorityName(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Who the authority is; name, country, state and city go into every subject."""

    name: str
    id: str
    domain: str
    country: str | None = None
    state: str | None = None
    city: str | None = None


class CrlSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How long a CRL holds, in days."""

    lifetime_days: Days


class RootSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Issuing period and lead time of the roots, in years."""

    quantum: float
    lead_time: Years


class ConstrainedNames(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Subtrees of RFC 5280 4.2.1.10, by kind of name."""

    dns: Names = ()
    ip: Names = ()
    uri: Names = ()
    email: Names = ()


class NameConstraints(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What names a signer may, and may not, certify."""

    permitted: ConstrainedNames | None = None
    excluded: ConstrainedNames | None = None


class Target(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One kind of signer: how many stand side by side, for how long, and what they may sign.

    `verifiers` are programs that its leaves meet (core.policy.verifiers); no policy has them.
    """

    load: Annotated[int, Meta(ge=1, le=10_000)] = 1
    quantum: float
    path_length: Annotated[int, Meta(ge=0, le=255)] = 0
    leaf_lifetime_days: Annotated[int, Meta(ge=1, le=7320)] = 30
    algorithm: Algorithm | None = None
    own_key: bool = False
    name_constraints: NameConstraints | None = None
    extended_key_usage: Annotated[tuple[KeyPurpose, ...], Meta(max_length=6)] = ()
    verifiers: Annotated[tuple[Verifier, ...], Meta(max_length=20)] | UnsetType = UNSET


class SignerSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Lead time of all signers, in years, and their targets by class."""

    lead_time: Years
    classes: dict[str, dict[str, Target]]


class Egress(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A destination of signers: whom it is encrypted to, and which targets it gets.

    `mixed_recipients` says that post-quantum keys and others may stand side by side.
    """

    recipients: Recipients
    targets: Annotated[tuple[str, ...], Meta(min_length=1, max_length=1000)] = ("*/*",)
    mixed_recipients: Switch = UNSET


class Backup(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A destination of everything, root keys included."""

    recipients: Recipients
    mixed_recipients: Switch = UNSET


class Urls(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where relying parties find a root's CRL and the root itself; `{root}` stands for its UUID."""

    crl: str | None = None
    issuer: str | None = None


class Display(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The OLED; `address` is the I2C address, or the chip select on SPI."""

    driver: Literal["ssd1306", "sh1106", "ssd1309"]
    bus: Literal["i2c", "spi"]
    port: Annotated[int, Meta(ge=0, le=31)]
    address: Annotated[int, Meta(ge=0, le=0x77)]
    rotate: Literal[0, 2] = 0


class Keypad(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """BCM numbers of the keypad's pins."""

    rows: Pins
    columns: Pins


class Hardware(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How the box is wired."""

    display: Display
    keypad: Keypad


class Kiosk(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The operator's side; `wipe_after` counts wrong passphrases, None never wipes.

    `recognition`: after three words of the passphrase the box shows two by which it is known.
    """

    lock_after_s: Annotated[int, Meta(ge=30, le=3600)]
    dim_after_s: Annotated[int, Meta(ge=5, le=3600)]
    wipe_after: Annotated[int, Meta(ge=5, le=1000)] | None = None
    recognition: bool = True


class PolicySections(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What config.yaml and the pinned policy share: all sections but those of the box itself."""

    authority: AuthorityName
    algorithm: Algorithm
    visit_every_days: Days
    spread_days: Annotated[int, Meta(ge=0, le=3660)]
    drill_every_days: Days
    crl: CrlSettings
    roots: RootSettings
    signers: SignerSettings
    egresses: Annotated[dict[str, Egress], Meta(min_length=1)]
    backups: Annotated[dict[str, Backup], Meta(min_length=1)]
    sticks: dict[str, Annotated[tuple[str, ...], Meta(min_length=1)]]
    urls: Urls | None = None

    def targets(self) -> Iterator[tuple[str, str, Target]]:
        """Yield (class name, target name, target), sorted by class and target."""
        for class_name, targets in sorted(self.signers.classes.items()):
            for target_name, target in sorted(targets.items()):
                yield class_name, target_name, target

    def algorithm_of(self, target: Target) -> Algorithm:
        """Return the key algorithm of a target: its own, or the authority's."""
        return target.algorithm or self.algorithm

    def matching_targets(self, pattern: str) -> tuple[tuple[str, str], ...]:
        """Return the (class, target) pairs that a glob such as `services/*` names, sorted."""
        class_glob, _, target_glob = pattern.partition("/")
        return tuple(
            (class_name, target_name)
            for class_name, target_name, _ in self.targets()
            if fnmatchcase(class_name, class_glob) and fnmatchcase(target_name, target_glob)
        )


class Config(PolicySections, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All of config.yaml."""

    hardware: Hardware
    kiosk: Kiosk
