"""Identities that a plugin of age opens: `AGE-PLUGIN-NAME-1...` for `age-plugin-NAME`, a key in hardware.

1. They are used where a person called a command, never on the box: a box has no such program, and needs none.
2. The program is found on PATH under its whole name, and named when it is missing. What passes between it
   and pyrage goes over its standard input and output: a PIN is in no argument and no environment.
3. What it says is for eyes: printable, bounded. A question that nobody answers is a refusal, not an
   exception, which pyrage would turn into a panic.
"""

import re
import shutil
from collections.abc import Sequence
from typing import Any, Final, Protocol

import pyrage

from core.crypto import bech32
from core.crypto.recipients import refusing
from core.errors import ArchiveIdentityError
from core.printable import escape

IDENTITY: Final = re.compile(rb"^AGE-PLUGIN-[A-Z0-9+._-]+1[A-Z0-9]+\r?$", re.MULTILINE)
MAX_TEXT: Final = 300
_ISOLATES: Final = {0x2068: None, 0x2069: None}  # round what pyrage puts into a sentence (Unicode TR 9)
_PREFIX: Final = re.compile(r"age-plugin-([a-z0-9][a-z0-9+._-]{0,31})-")


class Person(Protocol):
    """Who is at the computer on which the plugin runs."""

    def tell(self, text: str) -> None:
        """Show what the plugin says, such as that the key wants to be touched."""

    def ask(self, text: str, *, secret: bool) -> str | None:
        """Return what was typed, such as a PIN; None where nobody answers."""

    def choose(self, text: str, yes: str, no: str | None) -> bool | None:
        """Return whether it is yes; None where nobody answers."""


def load_plugins(lines: Sequence[str], person: Person | None, source: str) -> tuple[Any, ...]:
    """Return the identities of all lines, for core.crypto.age.

    Args:
        lines: `AGE-PLUGIN-...`, at least one.
        person: Who answers; None refuses such keys.
        source: Where they come from, for the error's text.

    Raises:
        ArchiveIdentityError: A typing error, or the program is missing, or there is nobody
            (E-ARCHIVE-IDENTITY).
    """
    names: dict[str, list[Any]] = {}
    for line in lines:
        with refusing(ArchiveIdentityError(f"{source} holds a plugin's key with a typing error.")):
            prefix, _ = bech32.decode(line)
            match = _PREFIX.fullmatch(prefix)
            if match is None:
                raise ValueError("no plugin's name")
            names.setdefault(match[1], []).append(pyrage.plugin.Identity.from_str(line))
    found = []
    for name, identities in names.items():
        program = f"age-plugin-{name}"
        if person is None:
            raise ArchiveIdentityError(
                f"{source} is a key in hardware, which only a PC with {program} opens."
            )
        unfit = ArchiveIdentityError(f"{source} needs {program}, which is not installed here.")
        if shutil.which(program) is None:
            raise unfit
        with refusing(unfit):
            found.append(pyrage.plugin.IdentityPluginV1(name, identities, _Callbacks(program, person)))
    return tuple(found)


def explain_plugin(text: str) -> str:
    """Return what pyrage says of a plugin that opened nothing, such as a wrong PIN; "" of anything else."""
    plain = text.translate(_ISOLATES)
    return f"{escape(plain)[:MAX_TEXT]}." if "age-plugin-" in plain else ""


class _Callbacks:
    """What pyrage calls when the program has something to say; names and answers are pyrage's."""

    def __init__(self, program: str, person: Person) -> None:
        self._program = program
        self._person = person

    def display_message(self, message: str) -> None:
        self._person.tell(self._show(message))

    def confirm(self, message: str, yes_string: str, no_string: str | None) -> bool | None:
        no = None if no_string is None else escape(no_string)[:MAX_TEXT]
        return self._person.choose(self._show(message), escape(yes_string)[:MAX_TEXT], no)

    def request_public_string(self, description: str) -> str | None:
        return self._person.ask(self._show(description), secret=False)

    def request_passphrase(self, description: str) -> str | None:
        return self._person.ask(self._show(description), secret=True)

    def _show(self, text: str) -> str:
        return f"{self._program}: {escape(text.translate(_ISOLATES))[:MAX_TEXT]}"
