"""What the menu offers, and the reasons for a revocation."""

from enum import StrEnum


class Item(StrEnum):
    """A line of the menu; its value is the key that picks it from anywhere."""

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
    DRILL = "A"


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
    Item.DRILL: "Drill words",
}

REASONS: dict[str, str] = {
    "keyCompromise": "key stolen",
    "superseded": "superseded",
    "cessationOfOperation": "out of use",
    "unspecified": "no reason",
}
"""RFC 5280 5.3.1 names, in the order of keys A to D, and what the screen calls them."""

_WHILE_LOCKED = (Item.TEST, Item.POWER)


def items(*, unlocked: bool) -> tuple[Item, ...]:
    """Return the lines of the menu, in order; while locked only what needs no key."""
    return tuple(Item) if unlocked else _WHILE_LOCKED
