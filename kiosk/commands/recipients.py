"""Keys that archives are encrypted to, as the command line tells them: in the words of the panel's pages."""

from collections.abc import Iterable, Sequence
from pathlib import Path

import click

from core.api.results import RecipientSummary
from kiosk.commands.options import example, json_option, say, show, show_json
from kiosk.text.counts import count

_MAX_SHOWN = 1000
"""Characters of a key that are shown whole: RSA is shorter, a post-quantum key fills 20 lines."""


@click.command("recipients", epilog=example("pism recipients keys/main-kudo.pub keys/backup-a.pub"))
@click.argument(
    "files", nargs=-1, required=True, type=click.Path(path_type=Path, exists=True, dir_okay=False)
)
@json_option
def recipients_command(files: tuple[Path, ...], *, as_json: bool) -> None:
    """Say what each public key file is, with its words.

    Its owner runs this on the key as they have it, and compares the twelve words with those that the box
    shows. A private key is refused, and so is whatever no archive may be encrypted to.
    """
    from core.crypto.recipients import DESCRIPTIONS, MAX_RECIPIENT_BYTES, parse_recipient
    from core.files import read_bounded

    found = [(file, parse_recipient(read_bounded(file, MAX_RECIPIENT_BYTES), str(file))) for file in files]
    if as_json:
        show_json(
            [
                {
                    "file": str(file),
                    "kind": recipient.kind,
                    "post_quantum": recipient.is_post_quantum,
                    "key": recipient.key,
                    "fingerprint": recipient.fingerprint,
                    "words": recipient.words,
                    "comment": recipient.comment,
                }
                for file, recipient in found
            ]
        )
        return
    for file, recipient in found:
        comment = f' "{recipient.comment}"' if recipient.comment else ""
        show(f"{file}: {recipient.kind}, {DESCRIPTIONS[recipient.kind]}{comment}")
        show(f"    {recipient.fingerprint}\n    {' '.join(recipient.words)}")


def describe_key(key: RecipientSummary) -> str:
    """Return one line: what is encrypted to the key, its kind, which of how many it is, and its names."""
    called = " ".join(text for text in (key.file, f'"{key.comment}"' if key.comment else "") if text)
    which = f"{key.key_kind} key {key.number} of {key.count}{', waits' * key.waits}"
    line = f"{key.kind} {key.name}, {which}"
    return f"{line}: {called}" if called else line


def describe_words(key: RecipientSummary) -> str:
    """Return the same, and below it the key and its words."""
    line = key.key if len(key.key) <= _MAX_SHOWN else f"{key.key[:40]}...{key.key[-12:]}"
    return f"{describe_key(key)}\n    {line}\n    {' '.join(key.words)}"


def tell_keys(keys: Sequence[RecipientSummary]) -> None:
    """Say every new key with its words, for a person to compare, and of the others how many there are."""
    for key in keys:
        if key.is_new:
            say(f"NEW {describe_words(key)}")
    same = [key for key in keys if not key.is_new]
    if same:
        names = ", ".join(dict.fromkeys(f"{key.kind} {key.name}" for key in same))
        say(f"{count(len(same), 'key')} as before: {names}")


def comment_keys(keys: Iterable[RecipientSummary]) -> str:
    """Return the keys as comment lines of a config.yaml."""
    return "".join(f"# {describe_key(key)}\n" for key in keys)
