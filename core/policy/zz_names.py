"""How names are written in config.yaml: each function says what is wrong with one, or nothing.

Rules:
    1. Names that become file names, subjects and screen lines are short and lower-case; a stick's label is
       what FAT keeps without change: upper-case, at most 11 characters.
    2. Internet names are written as certificates hold them: ASCII, whole, without spaces.
    3. Bounds on a subject's attributes are RFC 5280 appendix A's upper bounds, in characters.

Every function returns a sentence that follows the value's key path, or None where the value is good.
"""

import re
import uuid
from ipaddress import ip_address, ip_network
from typing import Final
from urllib.parse import urlsplit

MAX_ORGANIZATION: Final = 64
MAX_PLACE: Final = 128  # ub-locality-name, ub-state-name
MAX_COMMON_NAME: Final = 64
MAX_DNS_NAME: Final = 253  # RFC 1035 2.3.4, as text
MAX_URL: Final = 255
RESERVED_LABELS: Final = ("PISM-CONFIG", "PISM-RESCUE")

_NAME: Final = re.compile(r"[a-z][a-z0-9-]{0,23}")
_LABEL: Final = re.compile(r"[A-Z0-9][A-Z0-9_-]{0,10}")
_COUNTRY: Final = re.compile(r"[A-Z]{2}")
_DNS_PART: Final = re.compile(r"[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?")
_LOCAL_PART: Final = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*")
_GLOB: Final = re.compile(r"[a-z0-9*?-]{1,32}/[a-z0-9*?-]{1,32}")
_URL_TEXT: Final = re.compile(r"[A-Za-z0-9._~:/?#@!$&'()*+,;=%-]+")  # RFC 3986 2, less [ and ]
_URL_SCHEMES: Final = ("http", "https", "ldap")


def fault_in_name(text: str) -> str | None:
    """Check a class, target, egress or backup name."""
    if _NAME.fullmatch(text):
        return None
    return "must be a lower-case letter, then at most 23 lower-case letters, digits or hyphens"


def fault_in_text(text: str, longest: int) -> str | None:
    """Check an attribute of a subject."""
    if text != text.strip() or not text.isprintable():
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
