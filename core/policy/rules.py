"""What the settings must obey beyond their types: the rules of design 3 and 10, and how names are written.

1. One list for config.yaml and for a policy read back: `faults` is the same for both.
2. A fault names its key path and says what would be right; the caller adds file and line.
3. Order is the order of config.yaml, so the first fault is the first that an operator meets.
4. Names that become file names, subjects and screen lines are short and lower-case; a stick's label is what
   FAT keeps without change: upper-case, at most 11 characters. Internet names are written as certificates
   hold them: ASCII, whole, without spaces.
5. Bounds on a subject's attributes are RFC 5280 appendix A's upper bounds, in characters.

A `fault_in_...` returns a sentence that follows the value's key path, or None where the value is good. Types
and bounds of single numbers are core.policy.settings' and core.policy.yaml's.
"""

import re
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from ipaddress import ip_address, ip_network
from typing import Final, Literal
from urllib.parse import urlsplit

from core.errors import ConfigError, ConfigValueError, ConfigVisitError
from core.policy.periods import DAYS_A_YEAR, lead_days, parse_quantum
from core.policy.settings import ConstrainedNames, PolicySections, Target
from core.policy.yaml import KeyPath
from core.printable import is_printable

MAX_ORGANIZATION: Final = 64
MAX_PLACE: Final = 128  # ub-locality-name, ub-state-name
MAX_COMMON_NAME: Final = 64
MAX_DNS_NAME: Final = 253  # RFC 1035 2.3.4, as text
MAX_SIGNERS_AHEAD: Final = 250_000
MAX_RECIPIENT_CHARACTERS: Final = 4096
_YEAR: Final = date(2000, 1, 1)  # any one: names of periods have the same length in all
MAX_URL: Final = 255
RESERVED_LABELS: Final = ("PISM-CONFIG", "PISM-DRILL", "PISM-RESCUE")
_NAME: Final = re.compile(r"[a-z][a-z0-9-]{0,23}")
_LABEL: Final = re.compile(r"[A-Z0-9][A-Z0-9_-]{0,10}")
_COUNTRY: Final = re.compile(r"[A-Z]{2}")
_DNS_PART: Final = re.compile(r"[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?")
_LOCAL_PART: Final = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*")
_GLOB: Final = re.compile(r"[a-z0-9*?-]{1,32}/[a-z0-9*?-]{1,32}")
_URL_TEXT: Final = re.compile(r"[A-Za-z0-9._~:/?#@!$&'()*+,;=%-]+")  # RFC 3986 2, less [ and ]
_URL_SCHEMES: Final = ("http", "https", "ldap")
Verb = Literal["top-up", "export", "backup"]


def fault_in_name(text: str) -> str | None:
    """Check a class, target, egress or backup name."""
    if _NAME.fullmatch(text):
        return None
    return "must be a lower-case letter, then at most 23 lower-case letters, digits or hyphens"


def fault_in_text(text: str, longest: int) -> str | None:
    """Check an attribute of a subject."""
    if text != text.strip() or not is_printable(text):
        return "must be printable text without spaces at its ends"
    return None if 0 < len(text) <= longest else f"must have 1 to {longest} characters, not {len(text)}"


def fault_in_country(text: str) -> str | None:
    """Check an ISO 3166 country code, as RFC 5280 4.1.2.4 has it: two letters."""
    return None if _COUNTRY.fullmatch(text) else "must be two upper-case letters, such as US"


def fault_in_uuid(text: str) -> str | None:
    """Check that a UUID is written in its one usual way."""
    try:
        written = str(uuid.UUID(text))
    except ValueError:
        written = ""
    return None if written == text else "must be a UUID in lower case, such as one that uuidgen prints"


def fault_in_dns_name(text: str) -> str | None:
    """Check a DNS name; not an address, no wildcard, no final dot."""
    if len(text) > MAX_DNS_NAME or not all(_DNS_PART.fullmatch(part) for part in text.split(".")):
        return "must be a DNS name in ASCII, such as worlds.example"
    return "must be a DNS name, not an address" if text.rpartition(".")[2].isdigit() else None


def fault_in_domain_or_below(text: str) -> str | None:
    """Check a host, or with a leading dot everything below it (RFC 5280 4.2.1.10: URI and e-mail)."""
    return fault_in_dns_name(text.removeprefix("."))


def fault_in_network(text: str) -> str | None:
    """Check an IP network: its first address and a prefix length."""
    try:
        network = ip_network(text)
    except ValueError:
        return "must be an IP network with no host bits set, such as 10.0.0.0/8 or fd00::/8"
    if "%" in text:  # RFC 4007 11; a certificate has no room for it
        return "must be an IP network without a zone"
    return None if "/" in text else f"must have a prefix length; one address is {network}"


def fault_in_mailbox(text: str) -> str | None:
    """Check a mailbox, a mail host, or with a leading dot all hosts of a domain (RFC 5280 4.2.1.10)."""
    local, at, host = text.rpartition("@")
    if at and not (_LOCAL_PART.fullmatch(local) and fault_in_dns_name(host) is None):
        return "must be a mailbox such as admin@worlds.example"
    return None if at else fault_in_domain_or_below(text)


def fault_in_url(text: str) -> str | None:
    """Check a URL with one `{root}` in it, where a root's UUID will stand."""
    if text.count("{root}") != 1:
        return "must have {root} in it exactly once, where a root's UUID will stand"
    if len(text) > MAX_URL or not _URL_TEXT.fullmatch(text.replace("{root}", "")):
        return f"must be at most {MAX_URL} characters of ASCII, without spaces"
    try:
        parts = urlsplit(text)
        port_known = parts.port is None or parts.port > 0
    except ValueError:
        return "must have a port from 1 to 65535, or none"
    if parts.scheme not in _URL_SCHEMES:
        return f"must begin with one of {', '.join(f'{scheme}://' for scheme in _URL_SCHEMES)}"
    if parts.username is not None or not port_known or _fault_in_host(parts.hostname or ""):
        return "must name a host after ://, such as http://pki.worlds.example/{root}.crl"
    return None


def _fault_in_host(text: str) -> str | None:
    try:
        ip_address(text)
    except ValueError:
        return fault_in_dns_name(text)
    return None


def fault_in_label(text: str) -> str | None:
    """Check a stick's volume label."""
    if text in RESERVED_LABELS:
        return "this label is reserved"
    if _LABEL.fullmatch(text):
        return None
    return "must be a label of at most 11 upper-case letters, digits, - or _"


def fault_in_glob(text: str) -> str | None:
    """Check an egress target such as `services/*`; that it matches something is core.policy.rules' matter."""
    if _GLOB.fullmatch(text):
        return None
    return "must be class/target, in which * stands for any name, such as services/*"


_CONSTRAINED: Final[dict[str, Callable[[str], str | None]]] = {
    "dns": fault_in_dns_name,
    "ip": fault_in_network,
    "uri": fault_in_domain_or_below,
    "email": fault_in_mailbox,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One broken rule.

    Args:
        kind: The error that it becomes.
        path: Key path of what is wrong.
        text: What is wrong, to follow the path.
    """

    kind: type[ConfigError]
    path: KeyPath
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One thing that a stick asks for; `name` is the egress or backup, None for a top-up."""

    verb: Verb
    name: str | None = None


def parse_step(text: str) -> Step | None:
    """Return the step that `top-up`, `export NAME` or `backup NAME` asks for, or None for anything else."""
    match text.split(" "):
        case ["top-up"]:
            return Step(verb="top-up")
        case ["export", name] if fault_in_name(name) is None:
            return Step(verb="export", name=name)
        case ["backup", name] if fault_in_name(name) is None:
            return Step(verb="backup", name=name)
    return None


def faults(settings: PolicySections) -> Iterator[Fault]:
    """Yield every broken rule of the sections that config.yaml and policy share."""
    yield from _authority(settings)
    yield from _visits(settings)
    yield from _quantum(("roots", "quantum"), settings.roots.quantum)
    yield from _signers(settings)
    yield from _destinations(settings)
    yield from _sticks(settings)
    if settings.urls is not None:
        if settings.urls.crl is None and settings.urls.issuer is None:
            yield _value(("urls",), "must name crl, issuer or both")
        yield from _checked(fault_in_url, ("urls", "crl"), settings.urls.crl)
        yield from _checked(fault_in_url, ("urls", "issuer"), settings.urls.issuer)


def _value(path: KeyPath, text: str) -> Fault:
    return Fault(kind=ConfigValueError, path=path, text=text)


def _checked(check: Callable[[str], str | None], path: KeyPath, text: str | None) -> Iterator[Fault]:
    """Yield the fault that a check of core.policy.rules finds; an absent value has none."""
    if text is not None and (fault := check(text)):
        yield _value(path, fault)


def _authority(settings: PolicySections) -> Iterator[Fault]:
    authority = settings.authority
    for key, text, longest in (
        ("name", authority.name, MAX_ORGANIZATION),
        ("state", authority.state, MAX_PLACE),
        ("city", authority.city, MAX_PLACE),
    ):
        if text is not None and (fault := fault_in_text(text, longest)):
            yield _value(("authority", key), fault)
    yield from _checked(fault_in_uuid, ("authority", "id"), authority.id)
    yield from _checked(fault_in_dns_name, ("authority", "domain"), authority.domain)
    yield from _checked(fault_in_country, ("authority", "country"), authority.country)


def _visits(settings: PolicySections) -> Iterator[Fault]:
    """Coverage must outlast a visit and the spread after it, or a lane runs dry between two visits."""
    least = settings.visit_every_days + settings.spread_days
    for path, days in (
        (("crl", "lifetime_days"), settings.crl.lifetime_days),
        (("roots", "lead_time"), lead_days(settings.roots.lead_time)),
        (("signers", "lead_time"), lead_days(settings.signers.lead_time)),
    ):
        if days < least:
            hint = "" if path[0] == "crl" else f" ({least / DAYS_A_YEAR:.2f} years)"
            text = f"must last visit_every_days + spread_days, {least} days{hint}, not {days} days"
            yield Fault(kind=ConfigVisitError, path=path, text=text)


def _quantum(path: KeyPath, years: float) -> Iterator[Fault]:
    try:
        parse_quantum(years)
    except ConfigValueError as error:
        yield _value(path, str(error))


def _signers(settings: PolicySections) -> Iterator[Fault]:
    classes = settings.signers.classes
    place: KeyPath = ("signers", "classes")
    if not any(classes.values()):
        yield _value(place, "must have at least one class with a target")
    ahead = 0
    for class_name, targets in classes.items():
        yield from _checked(fault_in_name, (*place, class_name), class_name)
        for target_name, target in targets.items():
            path = (*place, class_name, target_name)
            yield from _checked(fault_in_name, path, target_name)
            quantum_faults = tuple(_quantum((*path, "quantum"), target.quantum))
            yield from quantum_faults
            if not quantum_faults:
                yield from _common_name(path, class_name, target_name, target)
                ahead += target.load * _periods_ahead(settings, target)
            yield from _extensions(path, target)
    if ahead > MAX_SIGNERS_AHEAD:
        yield _value(place, f"asks for {ahead} signers at the first top-up; at most {MAX_SIGNERS_AHEAD}")


def _periods_ahead(settings: PolicySections, target: Target) -> int:
    """Return how many periods of a lane a first top-up issues at most."""
    return lead_days(settings.signers.lead_time) // (28 * parse_quantum(target.quantum).months) + 2


def _common_name(path: KeyPath, class_name: str, target_name: str, target: Target) -> Iterator[Fault]:
    """The readable name must fit RFC 5280's bound in every period and lane; core.issue.profile writes it."""
    longest = f"{class_name}/{target_name} {parse_quantum(target.quantum).name(_YEAR)}/{target.load}"
    if (excess := len(longest) - MAX_COMMON_NAME) > 0:
        yield _value(path, f"class and target make the name {longest}, {excess} characters too long")


def _extensions(path: KeyPath, target: Target) -> Iterator[Fault]:
    if len(set(target.extended_key_usage)) < len(target.extended_key_usage):
        yield _value((*path, "extended_key_usage"), "names one purpose twice")
    constraints = target.name_constraints
    if constraints is None:
        return
    path = (*path, "name_constraints")
    if not any(_constrained(part) for part in (constraints.permitted, constraints.excluded)):
        # RFC 5280 4.2.1.10: neither list of subtrees may be there and empty.
        yield _value(path, "must permit or exclude at least one name")
    for key, part in (("permitted", constraints.permitted), ("excluded", constraints.excluded)):
        for kind, place, text in _constrained(part):
            yield from _checked(_CONSTRAINED[kind], (*path, key, kind, place), text)


def _constrained(part: ConstrainedNames | None) -> tuple[tuple[str, int, str], ...]:
    """Return every name of a list of subtrees with its kind and place."""
    if part is None:
        return ()
    kinds = {"dns": part.dns, "ip": part.ip, "uri": part.uri, "email": part.email}
    return tuple((kind, place, text) for kind, texts in kinds.items() for place, text in enumerate(texts))


def _destinations(settings: PolicySections) -> Iterator[Fault]:
    for name, egress in settings.egresses.items():
        path: KeyPath = ("egresses", name)
        yield from _checked(fault_in_name, path, name)
        yield from _recipients(path, egress.recipients)
        for place, glob in enumerate(egress.targets):
            yield from _glob(settings, (*path, "targets", place), glob)
    for name, backup in settings.backups.items():
        path = ("backups", name)
        yield from _checked(fault_in_name, path, name)
        if name in settings.egresses:
            yield _value(path, "an egress has this name; their archives could not be told apart")
        yield from _recipients(path, backup.recipients)


def _recipients(path: KeyPath, recipients: tuple[str, ...]) -> Iterator[Fault]:
    for place, text in enumerate(recipients):
        if not text.strip() or len(text) > MAX_RECIPIENT_CHARACTERS:
            yield _value((*path, "recipients", place), "must be the path of a public key, or the key itself")
        if text in recipients[:place]:
            yield _value((*path, "recipients", place), "this recipient stands twice")


def _glob(settings: PolicySections, path: KeyPath, glob: str) -> Iterator[Fault]:
    if fault := fault_in_glob(glob):
        yield _value(path, fault)
    elif not settings.matching_targets(glob):
        yield _value(path, f"{glob} matches no target of signers.classes")


def _sticks(settings: PolicySections) -> Iterator[Fault]:
    for label, steps in settings.sticks.items():
        yield from _checked(fault_in_label, ("sticks", label), label)
        for place, text in enumerate(steps):
            path = ("sticks", label, place)
            step = parse_step(text)
            if step is None:
                yield _value(path, "must be top-up, export NAME or backup NAME")
            elif step.verb == "export" and step.name not in settings.egresses:
                yield _value(
                    path, f"there is no egress {step.name}; known are {', '.join(settings.egresses)}"
                )
            elif step.verb == "backup" and step.name not in settings.backups:
                yield _value(path, f"there is no backup {step.name}; known are {', '.join(settings.backups)}")
            elif text in steps[:place]:
                yield _value(path, "this step stands twice")
