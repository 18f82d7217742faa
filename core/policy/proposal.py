"""A proposal: what config.yaml says now, or one that a stick brought, before it becomes the policy.

1. A person approves by what was shown, so the file is read again and must still have the same hash;
   recipients are shown with the words of their keys.
2. A stick's config.yaml is read as strictly as the box's own. Its sections `hardware` and `kiosk` are not
   taken, since a wrong pin would blind the box; where they differ from the box's, that is said.
3. Where another policy than the file's is approved, the file's mark at that time is remembered
   (core.policy.policy): the file is proposed again only when it changes.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from core.api import results
from core.errors import CaError, PolicyError
from core.policy.config import load_config, parse_config
from core.policy.policy import (
    Difference,
    KeyName,
    Policy,
    differences,
    list_recipients,
    resolve_policy,
)
from core.policy.settings import Config, PolicySections

CONFIG_NAME: Final = "config.yaml"
MAX_BROUGHT_KEYS: Final = 100
_OWN_SECTIONS: Final = ("hardware", "kiosk")


@dataclass(frozen=True, slots=True, kw_only=True)
class FilePolicy:
    """What the box's own config.yaml says beside the policy in force.

    Args:
        mark: SHA-256 of its policy, or of its refusal: another mark is another file.
        changes: What it would change, one line each; its refusal where it cannot be used.
    """

    mark: str
    changes: tuple[str, ...]


def propose_policy(config: Path, pinned: Policy | None = None) -> tuple[Policy, results.PolicyProposal]:
    """Return what config.yaml says now, for a person to confirm.

    Args:
        config: The file.
        pinned: The approved policy to compare with, if there is one.

    Raises:
        ConfigError: The file cannot be used (E-CONFIG...).
        RecipientError: A recipient cannot be used (E-RECIPIENT...).
    """
    policy, names = resolve_policy(load_config(config), config.parent)
    return policy, _propose(policy, names, pinned, ())


def propose_brought(
    text: bytes, keys: Mapping[str, bytes], own: Path, pinned: Policy | None = None
) -> tuple[Policy, results.PolicyProposal]:
    """Return what a config.yaml says that a stick brought, for a person to confirm.

    Args:
        text: The file, at most 256 KiB.
        keys: What lay beside it: path, such as `keys/main-kudo.pub`, and bytes, at most 16 KiB each.
        own: The box's config.yaml, whose `hardware` and `kiosk` stay.
        pinned: As for `propose_policy`.

    Raises:
        ConfigError, RecipientError: As for `propose_policy`; file, line and key path are named.
        PolicyError: There are more than MAX_BROUGHT_KEYS key files (E-POLICY).
    """
    if len(keys) > MAX_BROUGHT_KEYS:
        raise PolicyError(f"{len(keys)} key files came; at most {MAX_BROUGHT_KEYS} are taken")
    config = parse_config(text, CONFIG_NAME)
    policy, names = resolve_policy(config, keys)
    return policy, _propose(policy, names, pinned, _list_untaken(config, own))


def approved_policy(config: Path, policy_sha256: str) -> tuple[Policy, results.PolicyProposal]:
    """Return what config.yaml says now, if it is still what the operator was shown.

    Raises:
        PolicyError: The file changed in between (E-POLICY).
    """
    policy, proposal = propose_policy(config)
    if proposal.policy_sha256 != policy_sha256:
        raise PolicyError("config.yaml or a recipient changed after it was shown")
    return policy, proposal


def key_names(proposal: results.PolicyProposal) -> tuple[KeyName, ...]:
    """Return what the keys of a proposal are called, to be pinned with its policy."""
    return tuple(
        KeyName(kind=one.kind, name=one.name, key=one.key, file=one.file, comment=one.comment)
        for one in proposal.recipients
    )


def read_file_policy(config: Path, pinned: Policy | None = None) -> FilePolicy:
    """Return what the box's own config.yaml says, be it usable or not."""
    try:
        policy, proposal = propose_policy(config, pinned)
    except CaError as error:
        refusal = f"{error.code}: {error}"
        return FilePolicy(mark=hashlib.sha256(refusal.encode()).hexdigest(), changes=(refusal,))
    return FilePolicy(mark=policy.sha256, changes=proposal.changes)


def mark_replaced(config: Path, policy: Policy) -> str:
    """Return the mark of the file that `policy` is approved instead of; "" where it says the same."""
    mark = read_file_policy(config).mark
    return "" if mark == policy.sha256 else mark


def render_difference(difference: Difference) -> str:
    """Return a difference as one line: "path: old -> new"."""
    return f"{difference.path}: {difference.old or '-'} -> {difference.new or '-'}"


def list_names(policy: PolicySections) -> tuple[str, ...]:
    """Return what a person tells apart by its name: targets, as class/target, then egresses and backups."""
    paths = (f"{class_name}/{target}" for class_name, target, _ in policy.targets())
    return (*paths, *policy.egresses, *policy.backups)


def _propose(
    policy: Policy, names: tuple[KeyName, ...], pinned: Policy | None, untaken: tuple[str, ...]
) -> results.PolicyProposal:
    changes = () if pinned is None else differences(pinned, policy)
    known = frozenset() if pinned is None else frozenset(list_names(pinned))
    all_names = list_names(policy)
    return results.PolicyProposal(
        policy_sha256=policy.sha256,
        authority=policy.authority.name,
        recipients=list_recipients(policy, names, pinned),
        changes=tuple(render_difference(item) for item in changes),
        names=all_names,
        new_names=tuple(name for name in all_names if name not in known),
        untaken=untaken,
    )


def _list_untaken(config: Config, own: Path) -> tuple[str, ...]:
    """Return the sections that stay as the box has them, where that makes a difference."""
    try:
        box = load_config(own)
    except CaError:
        return ()  # nothing to compare with
    return tuple(name for name in _OWN_SECTIONS if getattr(config, name) != getattr(box, name))
