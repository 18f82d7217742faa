"""Making a PiSM stick, as a flow asks for it."""

from dataclasses import dataclass

from hw.ports import Stick


@dataclass(frozen=True, slots=True, kw_only=True)
class FormatStick:
    """Erase a stick and make it FAT32 with this label. Result: the same Stick as it is named now."""

    stick: Stick
    label: str
