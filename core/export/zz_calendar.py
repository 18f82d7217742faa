"""next-visit.ics: the date of the next visit, for any calendar program (RFC 5545)."""

from typing import Final

from core.export.archives import Written
from core.times import write_short_stamp

CALENDAR_NAME: Final = "next-visit.ics"
ALARM_DAYS: Final = (14, 3)  # before the visit
_LINE_BYTES: Final = 75  # RFC 5545 3.1, without the line break


def make_calendar(written: Written) -> bytes:
    """Return a calendar with one event at `next_visit_by`.

    Its UID is the incarnation's, so that the event of a later archive moves the earlier one.

    Args:
        written: The archive that it goes beside.
    """
    head = written.head
    summary = f"Visit the PiSM box of {head.authority.name}"
    description = (
        f"Put in the stick and unlock PiSM before {head.next_visit_by:%Y-%m-%d %H:%M} UTC. "
        f"After that a signer or a CRL may run out. Written with {written.archive_name}."
    )
    lines = [
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        "PRODID:-//PiSM//next visit//EN",
        "METHOD:PUBLISH",
        "BEGIN:VEVENT",
        f"UID:next-visit-{head.incarnation}@{_escape(head.authority.domain)}",
        f"DTSTAMP:{write_short_stamp(head.created)}",
        # RFC 5545 3.8.7.4: a later revision counts more; minutes fit its integer until the year 6053.
        f"SEQUENCE:{int(head.created.timestamp()) // 60}",
        f"DTSTART:{write_short_stamp(head.next_visit_by)}",
        f"SUMMARY:{_escape(summary)}",
        f"DESCRIPTION:{_escape(description)}",
        "TRANSP:TRANSPARENT",
    ]
    for days in ALARM_DAYS:
        lines += [
            "BEGIN:VALARM",
            "ACTION:DISPLAY",
            f"DESCRIPTION:{_escape(summary)}",
            f"TRIGGER:-P{days}D",
            "END:VALARM",
        ]
    lines += ["END:VEVENT", "END:VCALENDAR"]
    return b"".join(_fold(line) for line in lines)


def _escape(text: str) -> str:
    """Escape a TEXT value (RFC 5545 3.3.11); control characters become spaces."""
    plain = "".join(
        " " if ord(character) < ord(" ") or character == "\x7f" else character for character in text
    )
    return plain.replace("\\", "\\\\").replace(";", "\\;").replace(",", "\\,")


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
