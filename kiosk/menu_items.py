"""What the menu offers, and what its lists hold."""

from enum import StrEnum

from kiosk.reports import StatusReport


class Item(StrEnum):
    """A line of the menu; its value is the digit that picks it from anywhere."""

    STATUS = "1"
    TOP_UP = "2"
    RECIPIENTS = "3"
    ROOTS = "4"
    JOURNAL = "5"
    CLOCK = "6"
    PASSPHRASE = "7"  # noqa: S105 - a key of the keypad
    REVOKE = "8"
    TEST = "9"
    POWER = "0"


NAMES: dict[Item, str] = {
    Item.STATUS: "Status",
    Item.TOP_UP: "Top up now",
    Item.RECIPIENTS: "Recipients",
    Item.ROOTS: "Root fingerprints",
    Item.JOURNAL: "Journal head",
    Item.CLOCK: "Clock",
    Item.PASSPHRASE: "New passphrase",
    Item.REVOKE: "Revoke a signer",
    Item.TEST: "Self-test",
    Item.POWER: "Restart, power",
}

_WHILE_LOCKED = (Item.TEST, Item.POWER)


def items(*, unlocked: bool) -> tuple[Item, ...]:
    """Return the lines of the menu, in order; while locked only what needs no key."""
    return tuple(Item) if unlocked else _WHILE_LOCKED


def targets(report: StatusReport | None) -> tuple[str, ...]:
    """Return the paths that have signers to revoke, each once, in the order they come."""
    return () if report is None else tuple(dict.fromkeys(row.path for row in report.signers))
