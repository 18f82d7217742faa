"""The sidecars of an archive: what goes onto the stick beside it, in the clear, in the order of writing.

    public/roots.pem          live roots, for everybody who verifies
    public/root-<id>.pem      each of these roots alone, PEM
    public/<name>.crt         the same in DER, under the name that urls.issuer gives it; both say of a revoked
                              root only that it is, until it expires
    public/<name>.crl         CRLs, DER, under the names that urls.crl gives them
    public/README.txt         for the person who hosts them
    next-visit.ics            a day for the next visit, for any calendar program (RFC 5545)
    recovery.md               beside a backup: how to open it without PiSM (docs/recovery.md)
    pism-receipt-...html      the report (core.export.report)
    pism-receipt-...json      the receipt (core.export.receipt), last: it names the hashes of all others

A CRL is published once its root is in force before the next visit is due: earlier no verifier believes it
(NSS refuses one whose issuer is not valid yet), and hosted for years it would only grow old.

They hold no secret. Where a name is taken on a stick already, whoever writes them finds another.
"""

import hashlib
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from importlib import resources
from typing import Final
from urllib.parse import urlsplit

from core.archive.box_key import load_box_key
from core.certificate import Certificate, encode_pem
from core.crypto.recipients import fingerprint_words
from core.export.archives import Written
from core.export.receipt import NamedFile, make_receipt, receipt_stem
from core.export.report import make_report
from core.policy.policy import Policy
from core.store.box import read_runs
from core.store.store import Store
from core.times import format_time_compact

PUBLIC = "public"
CALENDAR_NAME: Final = "next-visit.ics"
RECOVERY_NAME: Final = "recovery.md"
AHEAD_DAYS: Final = 14  # from the calendar's event to the last day
ALARMS: Final = ("-P7D", "PT9H")  # a week before the event, and in its morning (RFC 5545 3.8.6.3)
_FILE_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
_LINE_BYTES: Final = 75  # RFC 5545 3.1, without the line break


@dataclass(frozen=True, slots=True, kw_only=True)
class Sidecar:
    """One file beside the archive.

    Args:
        path: On the stick, with `/` between folder and name.
        data: Its bytes.
        numbered: Its name has the archive's number, so no other archive's sidecar is called so.
    """

    path: str
    data: bytes
    numbered: bool = False


def make_sidecars(
    store: Store, policy: Policy, written: Written, *, public: bool = True
) -> tuple[Sidecar, ...]:
    """Return everything that goes beside an archive, the receipt last.

    Args:
        store: As it stood when the archive was written.
        policy: The approved policy.
        written: The archive.
        public: With what is to be hosted and the calendar: of several archives on one stick only one
            brings them.
    """
    sidecars = []
    if public:
        sidecars += [
            *make_public(store, policy, written),
            Sidecar(path=CALENDAR_NAME, data=make_calendar(written)),
        ]
    if written.head.kind == "backup":
        sidecars.append(Sidecar(path=RECOVERY_NAME, data=_recovery()))
    report = make_report(written, policy, read_runs(store))
    sidecars.append(Sidecar(path=f"{receipt_stem(written)}.html", data=report, numbered=True))
    named = (
        NamedFile(file=each.path, size=len(each.data), sha256=hashlib.sha256(each.data).hexdigest())
        for each in sidecars
    )
    receipt = make_receipt(written, named, written.seals, load_box_key(store))
    return (*sidecars, Sidecar(path=f"{receipt_stem(written)}.json", data=receipt, numbered=True))


def _recovery() -> bytes:
    """Return how to open an archive by hand: in the year when it is needed there may be the stick alone."""
    return resources.files("core.export").joinpath(RECOVERY_NAME).read_bytes()


def make_public(store: Store, policy: Policy, written: Written) -> Iterator[Sidecar]:
    """Yield what is to be hosted: live roots that have not expired, CRLs, and how to do it.

    Args:
        store: As it stood when the archive was written.
        policy: The approved policy; its `urls` say what files are called.
        written: The archive.
    """
    now = written.head.created
    roots = [root for root in written.contents.roots if root.revoked_at is None and now <= root.not_after]
    ders = dict(store.ders([root.id for root in roots]))
    blocks = (_comment(root) + encode_pem(ders[root.id]) for root in roots)
    yield Sidecar(path=f"{PUBLIC}/roots.pem", data=b"\n".join(blocks))
    for root in roots:
        pem = _comment(root) + encode_pem(ders[root.id])
        yield Sidecar(path=f"{PUBLIC}/root-{root.id}.pem", data=pem)
        yield Sidecar(path=f"{PUBLIC}/{published_names(policy, root.id).root}", data=ders[root.id])
    for root in written.contents.roots:
        if root.revoked_at is not None and now <= root.not_after:  # then nobody trusts it anyway
            for name in (f"root-{root.id}.pem", published_names(policy, root.id).root):
                yield Sidecar(path=f"{PUBLIC}/{name}", data=_of_revoked(root, root.revoked_at))
    believed = {root.id for root in written.contents.roots if root.not_before <= written.head.next_visit_by}
    crls = {
        published_names(policy, crl.issuer).crl: crl.der for crl in store.crls() if crl.issuer in believed
    }
    for name, der in crls.items():
        yield Sidecar(path=f"{PUBLIC}/{name}", data=der)
    names = [published_names(policy, root.id).root for root in roots]
    yield Sidecar(path=f"{PUBLIC}/README.txt", data=_readme(written, names, crls))


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishedNames:
    """What a root's certificate and its CRL are called where they are hosted, both in DER."""

    root: str
    crl: str


def published_names(policy: Policy, root_id: str) -> PublishedNames:
    """Return the last part of `urls.issuer` and `urls.crl` for a root: files can be hosted as they are.

    Where a URL has none that is a root's own and a plain file name, it is <root id>.crt and <root id>.crl.

    Args:
        policy: The approved policy.
        root_id: UUID of the root.
    """
    plain = PublishedNames(root=f"{root_id}.crt", crl=f"{root_id}.crl")
    if policy.urls is None:
        return plain
    names = PublishedNames(
        root=_last_part(policy.urls.issuer, root_id) or plain.root,
        crl=_last_part(policy.urls.crl, root_id) or plain.crl,
    )
    taken = {name.lower() for name in (names.root, names.crl, f"root-{root_id}.pem")}  # FAT knows no case
    return names if len(taken) == len(("root", "crl", "pem")) else plain


def _last_part(url: str | None, root_id: str) -> str | None:
    name = urlsplit(url or "").path.rpartition("/")[2].replace("{root}", root_id)
    return name if root_id in name and _FILE_NAME.fullmatch(name) else None


def _comment(root: Certificate) -> bytes:
    """Return lines that PEM readers pass over (RFC 7468 section 2: text before the block)."""
    words = " ".join(fingerprint_words(bytes.fromhex(root.sha256)))
    return (
        f"# root {root.period} {root.id}\n"
        f"# valid {root.not_before:%Y-%m-%d} to {root.not_after:%Y-%m-%d}\n"
        f"# SHA-256 {root.sha256}\n# {words}\n"
    ).encode()


def _of_revoked(root: Certificate, since: datetime) -> bytes:
    """Return what stands in place of a revoked root, which no program can take for one.

    Its certificate may stand there since an earlier visit, and few verifiers look for a root on a list.
    """
    return (
        f"Root {root.period} {root.id} was revoked on {since:%Y-%m-%d}: do not trust it.\n"
        "Take it out of every trust store, and put the roots of roots.pem in.\n"
        f"SHA-256 of its certificate: {root.sha256}\n"
    ).encode()


def _readme(written: Written, root_names: Iterable[str], crl_names: Iterable[str]) -> bytes:
    head = written.head
    roots = "\n".join(root_names)
    files = "\n".join(crl_names)
    return f"""Files to publish for {head.authority.name}
Made on {head.created:%Y-%m-%d %H:%M} UTC with {written.archive_name}

Nothing here is secret. Everything here replaces the files of the same name that
were made before.

roots.pem
  The root certificates that are trusted, some of which begin later only. Give it
  to whatever verifies. Before you trust a root for the first time, compare its
  words (in the lines that begin with #) with the words that the box shows.
  Of several roots in one file OpenSSL, GnuTLS, curl, nginx, Caddy and Go take all.
  keytool -importcert (Java) and certutil -A (NSS) take the first, say that it was
  added, and pass the others over: give them the next files, one by one.

root-....pem
  Each of these roots alone, in PEM, with its words. Of a root that was revoked it
  says so, in words: take that root out of every trust store.

{roots}
  Each of these roots alone, in DER; serve them as application/pkix-cert, at the
  address that stands in the certificates (urls.issuer in config.yaml).

{files}
  Revocation lists in DER, one a root; serve them as application/pkix-crl, over
  plain HTTP, at the address that stands in the certificates (urls.crl in
  config.yaml). The list of a root that begins later comes with the visit before
  its first day: nobody believes it earlier. They run out: fetch new ones from the box before
  {head.next_visit_by:%Y-%m-%d}.
""".encode()


def make_calendar(written: Written) -> bytes:
    """Return a calendar with one event: a day some days before `next_visit_by`, which its text names.

    Its UID is the incarnation's, so that the event of a later archive moves the earlier one.

    Args:
        written: The archive that it goes beside.
    """
    head = written.head
    last_day = f"{head.next_visit_by:%Y-%m-%d}"
    summary = f"Visit the PiSM box by {last_day}: {head.authority.name}"
    description = (
        f"Put in the stick and unlock PiSM, on {head.next_visit_by:%Y-%m-%d %H:%M} UTC at the latest. "
        f"After that a signer or a CRL may run out. Written with {written.archive_name}."
    )
    day = visit_day(head.created.date(), head.next_visit_by.date())
    lines = [
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        "PRODID:-//PiSM//next visit//EN",
        "METHOD:PUBLISH",
        "BEGIN:VEVENT",
        f"UID:next-visit-{head.incarnation}@{_escape(head.authority.domain)}",
        f"DTSTAMP:{format_time_compact(head.created)}",
        # RFC 5545 3.8.7.4: a later revision counts more; minutes fit its integer until the year 6053.
        f"SEQUENCE:{int(head.created.timestamp()) // 60}",
        f"DTSTART;VALUE=DATE:{day:%Y%m%d}",  # a whole day: RFC 5545 3.6.1
        f"DTEND;VALUE=DATE:{day + timedelta(days=1):%Y%m%d}",
        f"SUMMARY:{_escape(summary)}",
        f"DESCRIPTION:{_escape(description)}",
        "TRANSP:TRANSPARENT",
    ]
    for trigger in ALARMS:
        lines += [
            "BEGIN:VALARM",
            "ACTION:DISPLAY",
            f"DESCRIPTION:{_escape(summary)}",
            f"TRIGGER:{trigger}",
            "END:VALARM",
        ]
    lines += ["END:VEVENT", "END:VCALENDAR"]
    return b"".join(_fold(line) for line in lines)


def visit_day(made: date, last: date) -> date:
    """Return the day on which the calendar shows the next visit.

    Args:
        made: Day of the archive.
        last: The last day on which all is still covered; at the earliest that of the archive.

    Returns:
        Two weeks before the last; where that has passed, tomorrow, but never after the last.
    """
    return min(last, max(last - timedelta(days=AHEAD_DAYS), made + timedelta(days=1)))


def _escape(text: str) -> str:
    """Escape a TEXT value (RFC 5545 3.3.11); an authority's name has no control characters."""
    return text.replace("\\", "\\\\").replace(";", "\\;").replace(",", "\\,")


def _fold(line: str) -> bytes:
    """Break a line after at most 75 octets, never inside a character (RFC 5545 3.1)."""
    folded, width = [b""], _LINE_BYTES
    for character in line:
        octets = character.encode()
        if len(folded[-1]) + len(octets) > width:
            folded.append(b"")
            width = _LINE_BYTES - 1  # the space that begins a continuation counts
        folded[-1] += octets
    return b"\r\n ".join(folded) + b"\r\n"
