"""The approved policy: all of config.yaml but `hardware` and `kiosk`, with every public key in full.

1. A recipient stands in it as its whole canonical key line, so a swapped key file is a difference.
2. `encode_policy` is canonical JSON: equal policies are equal bytes; their SHA-256 names the policy.
3. `decode_policy` trusts nothing: bytes that are not canonical, or break a rule of config.yaml, are refused.
4. `differences` is empty exactly when two policies are equal.
5. It is pinned inside the encrypted store when the operator approves it. Where that is not the policy of the
   box's own config.yaml (it came on a stick), the mark of that file is pinned with it, so that the file is
   proposed again only when it changes (core.policy.proposal).
6. What a key is called (its file, its comment) is for eyes only: no part of the policy, so another comment is
   no difference and asks nobody. It is pinned beside the policy, with the key that it is of. A policy that
   an earlier release pinned has no such names.
"""

import hashlib
import re
from collections import Counter
from collections.abc import Container, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, Final, Protocol

import msgspec
from msgspec import UNSET

from core.api import results
from core.crypto.recipients import MAX_RECIPIENT_BYTES, Recipient, parse_recipient, require_one_strength
from core.decoding import DecodingError, json_decoder
from core.errors import (
    CaError,
    FileError,
    PolicyError,
    RecipientError,
    RecipientMissingError,
    StateDamagedError,
)
from core.files import read_bounded
from core.policy.rules import Step, faults, parse_step
from core.policy.settings import Backup, Config, Egress, PolicySections, SignerSettings
from core.policy.yaml import KeyPath, show_path

MAX_POLICY_BYTES: Final = 1024 * 1024
MAX_NAMES_BYTES: Final = 8 * 1024 * 1024
MAX_FILE_CHARACTERS: Final = 255
MAX_SHOWN_KEY: Final = 100
KeyFiles = Path | Mapping[str, bytes]
"""Where recipient files lie: the folder of config.yaml, or what a stick brought, by path and in any case."""

# A key that stands in config.yaml itself; a private one too, so that it is refused and never shown as a path.
_INLINE: Final = re.compile(
    r"age1[0-9a-z]+|(ssh|ecdsa|sk)-\S+ .*|age-secret-key-.*|-+ ?begin.*", re.IGNORECASE
)

_SECTIONS: Final = {"egresses": "egress", "backups": "backup"}
_POLICY: Final = "policy"
_REPLACED: Final = "replaced_file_policy"
_KEY_NAMES: Final = "key_names"


class Policy(PolicySections, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The sections that the operator approved; recipients are canonical public key lines."""

    @property
    def sha256(self) -> str:
        """The policy's name: hex SHA-256 of its canonical JSON."""
        return hashlib.sha256(encode_policy(self)).hexdigest()

    def egress_targets(self, name: str) -> tuple[tuple[str, str], ...]:
        """Return the (class, target) pairs that an egress carries, sorted.

        Raises:
            PolicyError: There is no such egress (E-POLICY).
        """
        if name not in self.egresses:
            raise PolicyError(
                f"the policy has no egress {name}; known are {', '.join(sorted(self.egresses))}"
            )
        wanted = {pair for glob in self.egresses[name].targets for pair in self.matching_targets(glob)}
        return tuple(sorted(wanted))

    def steps(self, label: str) -> tuple[Step, ...]:
        """Return what a stick with this label asks for, in order; nothing for a label that is not there."""
        found = (parse_step(text) for text in self.sticks.get(label, ()))
        return tuple(step for step in found if step is not None)


class KeyName(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a recipient's key is called (rule 6).

    Args:
        kind: egress or backup.
        name: Of that.
        key: In one canonical line.
        file: As config.yaml names it, with slashes, the end of a long one; "" where the key is written there.
        comment: See core.crypto.recipients; "" for none.
    """

    kind: str
    name: str
    key: str
    file: str
    comment: str


_decode = json_decoder(Policy, MAX_POLICY_BYTES)
_decode_names = json_decoder(tuple[KeyName, ...], MAX_NAMES_BYTES)


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One place where two policies differ; None stands for "not there"."""

    path: str
    old: str | None
    new: str | None


def resolve_policy(config: Config, files: KeyFiles) -> tuple[Policy, tuple[KeyName, ...]]:
    """Return the policy that a config asks for, with the public keys themselves, and what these are called.

    Args:
        config: Already validated.
        files: Where the recipients' files lie; their paths start beside config.yaml.

    Raises:
        RecipientError: A key is missing, garbage, private, weak, stands twice, or is of another strength than
            those beside it (E-RECIPIENT...). The text begins with its key path, such as
            `backups.main-backup.recipients[2]`; of a file that is missing it says "there is no file NAME".
    """
    sections: dict[str, Any] = {name: getattr(config, name) for name in Policy.__struct_fields__}
    names: list[KeyName] = []
    for section, kind in _SECTIONS.items():
        resolved = {}
        for name, destination in sections[section].items():
            path = (section, name, "recipients")
            found = _resolve(path, destination.recipients, files)
            mixed = bool(destination.mixed_recipients)
            require_one_strength([recipient for recipient, _ in found], show_path(path), mixed=mixed)
            names += [
                KeyName(kind=kind, name=name, key=recipient.key, file=file, comment=recipient.comment)
                for recipient, file in found
            ]
            resolved[name] = msgspec.structs.replace(
                destination,
                recipients=tuple(recipient.key for recipient, _ in found),
                mixed_recipients=destination.mixed_recipients or UNSET,  # false is what is not written
            )
        sections[section] = resolved
    sections["signers"] = _without_advice(config.signers)
    return Policy(**sections), tuple(names)


def _without_advice(signers: SignerSettings) -> SignerSettings:
    """Return targets without what is said of them for `pism plan` alone: it is approved by nobody."""
    replace = msgspec.structs.replace
    classes = {
        class_name: {name: replace(target, verifiers=UNSET) for name, target in targets.items()}
        for class_name, targets in signers.classes.items()
    }
    return replace(signers, classes=classes)


def key_files(config: Config) -> tuple[str, ...]:
    """Return the paths of the recipient files that a config names, each once, with slashes."""
    named = [text for egress in config.egresses.values() for text in egress.recipients]
    named += [text for backup in config.backups.values() for text in backup.recipients]
    return tuple(dict.fromkeys(_place(text) for text in named if not _INLINE.fullmatch(text.strip())))


def _place(path: str) -> str:
    """Return a recipient's path with slashes, as people of every system write it."""
    return str(PurePosixPath(path.replace("\\", "/")))


def _resolve(path: KeyPath, recipients: tuple[str, ...], files: KeyFiles) -> list[tuple[Recipient, str]]:
    """Return each key of one destination, and its file."""
    found: list[tuple[Recipient, str]] = []
    for place, text in enumerate(recipients):
        source = show_path((*path, place))
        if _INLINE.fullmatch(text.strip()):
            file, recipient = "", parse_recipient(text, source)
        else:
            data, place_of_key = _read_key(files, text, source)
            file, recipient = _place(text), parse_recipient(data, f"{source}: {place_of_key}")
        before = [known.key for known, _ in found]
        if recipient.key in before:
            raise RecipientError(
                f"{source} is the same key as {show_path((*path, before.index(recipient.key)))}"
            )
        found.append((recipient, file[-MAX_FILE_CHARACTERS:]))
    return found


def _read_key(files: KeyFiles, path: str, source: str) -> tuple[bytes, str]:
    """Return the bytes of a recipient file, and where it lies."""
    if isinstance(files, Path):
        try:
            return read_bounded(files / _place(path), MAX_RECIPIENT_BYTES), str(files / path)
        except FileError as error:
            if isinstance(error.__cause__, FileNotFoundError):
                raise RecipientMissingError(f"{source}: there is no file {files / path}") from error
            raise RecipientError(f"{source}: {error}") from error
    # FAT does not look at case, and not every system keeps it.
    wanted = _place(path).casefold()
    for name, data in files.items():
        if name.casefold() == wanted:
            return data, path
    raise RecipientMissingError(f"{source}: there is no file {path} on the stick")


def encode_policy(policy: Policy) -> bytes:
    """Return the policy's canonical JSON: keys sorted, no spaces, UTF-8."""
    return msgspec.json.encode(policy, order="sorted")


def decode_policy(data: bytes) -> Policy:
    """Return a policy from its canonical JSON, checked as strictly as config.yaml.

    Args:
        data: At most 1 MiB.

    Raises:
        PolicyError: It is not canonical, or breaks a rule (E-POLICY).
    """
    try:
        policy = _decode(data)
    except DecodingError as error:
        raise PolicyError(f"the policy does not fit its format: {error}") from None
    if encode_policy(policy) != data:
        raise PolicyError("the policy is not written in its one canonical way")
    for fault in faults(policy):
        raise PolicyError(f"the policy breaks a rule at {show_path(fault.path)}: {fault.text}")
    for path, destination in _destinations(policy):
        try:
            recipients = [
                parse_recipient(line, f"{path}[{place}]") for place, line in enumerate(destination.recipients)
            ]
            require_one_strength(recipients, path, mixed=bool(destination.mixed_recipients))
        except CaError as error:
            raise PolicyError(f"the policy holds an unusable recipient: {error}") from None
        if tuple(recipient.key for recipient in recipients) != destination.recipients:
            raise PolicyError(f"the policy holds a recipient that is not canonical at {path}")
    return policy


def _destinations(policy: Policy) -> Iterator[tuple[str, Egress | Backup]]:
    """Yield every egress and backup with the key path of its recipients."""
    for section in _SECTIONS:
        for name, destination in getattr(policy, section).items():
            yield show_path((section, name, "recipients")), destination


def differences(old: Policy, new: Policy) -> tuple[Difference, ...]:
    """Return where two policies differ, for a screen: sorted by path, recipients key by key."""
    before, after = (dict(_flat(msgspec.to_builtins(policy), ())) for policy in (old, new))
    found = []
    for path in sorted(before.keys() | after.keys()):
        was, becomes = before.get(path), after.get(path)
        if was == becomes:
            continue
        if path[-1] == "recipients":
            found += _key_differences(show_path(path), was or (), becomes or ())
        else:
            found.append(Difference(path=show_path(path), old=_show(was), new=_show(becomes)))
    return tuple(found)


def _flat(value: Any, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Yield every setting with its key path; what is not set is not there, a mapping without any is."""
    if isinstance(value, dict):
        found = [pair for key, inner in value.items() for pair in _flat(inner, (*path, key))]
        yield from found or [(path, ())]
    elif value is not None:
        yield path, value


def _key_differences(path: str, old: tuple[str, ...], new: tuple[str, ...]) -> list[Difference]:
    """Return which keys go and which come; where only their order changed, both orders."""
    gone = [Difference(path=path, old=_show_key(key), new=None) for key in old if key not in new]
    come = [Difference(path=path, old=None, new=_show_key(key)) for key in new if key not in old]
    orders = (_show(tuple(_show_key(key) for key in keys)) for keys in (old, new))
    return gone + come or [Difference(path=path, old=next(orders), new=next(orders))]


def _show_key(key: str) -> str:
    """Return a key whole; a fingerprint where nobody would read it: a post-quantum key fills 94 rows."""
    if len(key) <= MAX_SHOWN_KEY:
        return key
    recipient = parse_recipient(key, "the policy")
    return f"{recipient.kind} {recipient.fingerprint}"


def _show(value: Any) -> str | None:
    """Return a setting as a screen shows it: yes and no, 1 rather than 1.0, lists with commas."""
    if value is None:
        return None
    if isinstance(value, list | tuple):
        return ", ".join(str(item) for item in value) or "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:.12g}" if isinstance(value, float) else str(value)


class Facts(Protocol):
    """What the store keeps by name; the policy in force is one of them."""

    def fact(self, name: str) -> str | None:
        """Return what is kept under a name."""

    def set_fact(self, name: str, value: str) -> None:
        """Keep `value` under a name, in a transaction of the caller."""


def read_pinned(facts: Facts) -> Policy:
    """Return the policy in force.

    Raises:
        StateDamagedError: There is none (E-STATE-DAMAGED).
        PolicyError: It is not canonical, or breaks a rule (E-POLICY).
    """
    text = facts.fact(_POLICY)
    if text is None:
        raise StateDamagedError("the store holds no policy")
    return decode_policy(text.encode())


def pin(facts: Facts, policy: Policy, instead_of: str = "", names: Iterable[KeyName] = ()) -> None:
    """Put a policy in force.

    Args:
        facts: Of the store, in a transaction of the caller, who journals it there.
        policy: Shown to and confirmed by the operator.
        instead_of: Mark of the box's own config.yaml where that says something else; "" where the policy is
            that file's.
        names: Of its keys; one that has neither file nor comment keeps what it was called before.
    """
    facts.set_fact(_POLICY, encode_policy(policy).decode())
    if (facts.fact(_REPLACED) or "") != instead_of:
        facts.set_fact(_REPLACED, instead_of)
    known = read_key_names(facts)
    called = _by_use(known) | _by_use(name for name in names if name.file or name.comment)
    kept = tuple(called[use] for use in _uses(policy) if use in called)
    if kept != known:
        facts.set_fact(_KEY_NAMES, msgspec.json.encode(kept, order="sorted").decode())


def read_key_names(facts: Facts) -> tuple[KeyName, ...]:
    """Return what the keys of the policy in force are called; nothing of those that have no name.

    Raises:
        PolicyError: It does not fit its format (E-POLICY).
    """
    try:
        return _decode_names((facts.fact(_KEY_NAMES) or "[]").encode())
    except DecodingError as error:
        raise PolicyError(f"the names of the policy's keys do not fit their format: {error}") from None


def is_replaced(facts: Facts, mark: str) -> bool:
    """Tell whether the policy in force was approved instead of the file of that mark."""
    return facts.fact(_REPLACED) == mark


def was_replaced(facts: Mapping[str, str], mark: str) -> bool:
    """Tell the same by the facts of a backup."""
    return facts.get(_REPLACED) == mark


def list_recipients(
    policy: Policy, names: Iterable[KeyName], pinned: Policy | None, waiting: Container[str] = ()
) -> tuple[results.RecipientSummary, ...]:
    """Return whom each egress and backup is encrypted to, with the words to compare.

    Args:
        policy: Whose.
        names: What its keys are called; those of other keys are passed over.
        pinned: The policy in force, which tells what is new; None where there is none.
        waiting: Backup keys on probation.
    """
    called = _by_use(names)
    known = frozenset() if pinned is None else frozenset(_uses(pinned))
    of_each = Counter(use[:2] for use in _uses(policy))
    numbers: Counter[tuple[str, str]] = Counter()
    listed = []
    for use in _uses(policy):
        kind, name, key = use
        numbers[kind, name] += 1
        named = called.get(use)
        recipient = parse_recipient(key, "the policy")
        listed.append(
            results.RecipientSummary(
                kind=kind,
                name=name,
                key=key,
                key_kind=recipient.kind,
                words=recipient.words,
                number=numbers[kind, name],
                count=of_each[kind, name],
                file=named.file if named else "",
                comment=named.comment if named else "",
                is_new=use not in known,
                waits=kind == "backup" and key in waiting,
            )
        )
    return tuple(listed)


_Use = tuple[str, str, str]
"""Kind and name of a destination, and one of its keys."""


def _uses(policy: Policy) -> Iterator[_Use]:
    for section, kind in _SECTIONS.items():
        for name, destination in getattr(policy, section).items():
            for key in destination.recipients:
                yield kind, name, key


def _by_use(names: Iterable[KeyName]) -> dict[_Use, KeyName]:
    return {(name.kind, name.name, name.key): name for name in names}
