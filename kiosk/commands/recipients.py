"""Keys that archives are encrypted to, as the command line tells them: in the words of the panel's pages."""

from collections.abc import Iterable, Sequence

from core.api.results import RecipientSummary
from kiosk.commands.options import say
from kiosk.text.counts import count


def describe_key(key: RecipientSummary) -> str:
    """Return one line: what is encrypted to the key, which of how many it is, its file and its comment."""
    called = " ".join(text for text in (key.file, f'"{key.comment}"' if key.comment else "") if text)
    line = f"{key.kind} {key.name}, key {key.number} of {key.count}"
    return f"{line}: {called}" if called else line


def tell_keys(keys: Sequence[RecipientSummary]) -> None:
    """Say every new key with its words, for a person to compare, and of the others how many there are."""
    for key in keys:
        if key.is_new:
            say(f"NEW {describe_key(key)}\n    {key.key}\n    {' '.join(key.words)}")
    same = [key for key in keys if not key.is_new]
    if same:
        names = ", ".join(dict.fromkeys(f"{key.kind} {key.name}" for key in same))
        say(f"{count(len(same), 'key')} as before: {names}")


def comment_keys(keys: Iterable[RecipientSummary]) -> str:
    """Return the keys as comment lines of a config.yaml."""
    return "".join(f"# {describe_key(key)}\n" for key in keys)
