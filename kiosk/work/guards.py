"""Which guards a box must have, and what is said of each: refused at the start, or a line of the self-test.

Rules:

1. Without Landlock, seccomp or users of their own a box does not start: what reads sticks, or holds keys,
   would do it with nothing around it. What USB lets in, and who reads a stick, is said, and hinders nothing.
2. Whoever emulates a box says what guards it (hw.system.emulated); nothing here asks whether a box is real.
3. What cannot be told is never good.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from core.api.results import Confined
from hw.errors import LandlockError, SeccompError, UsersError
from hw.ports import Confinement, Protection
from kiosk.work.health import NOT_TOLD, Finding

_ROOT: Final = 0


def add_vault(protection: Protection, told: Confined) -> Protection:
    """Return what guards the box, with what the vault told of its own process.

    Args:
        protection: Of the kiosk; where it speaks for the vault, too, as an emulated box does, that stands.
        told: By the vault.
    """
    if protection.vault is not None:
        return protection
    vault = Confinement(user_id=told.user_id, has_seccomp=told.has_seccomp, gains_nothing=told.gains_nothing)
    return replace(protection, vault=vault)


def require(protection: Protection) -> None:
    """Refuse a box that lacks a guard (rule 1).

    Args:
        protection: As it was read; a vault that has not told yet is not judged.

    Raises:
        LandlockError: No version of it holds (E-GUARD-LANDLOCK).
        SeccompError: Kiosk or vault has no filter, or could gain privileges (E-GUARD-SECCOMP).
        UsersError: One of them is root, or both are one user (E-GUARD-USERS).
    """
    if not protection.landlock:
        raise LandlockError(
            "the kernel has no Landlock, or it does not hold: a stick would be read unconfined"
        )
    for name, process in _processes(protection):
        if not process.has_seccomp:
            raise SeccompError(f"the {name} runs without a filter for system calls (seccomp)")
        if not process.gains_nothing:
            raise SeccompError(f"the {name} could gain privileges (NoNewPrivs)")
    if not _are_apart(protection):
        raise UsersError("kiosk and vault must be two users, and neither of them root")


def judge_guards(protection: Protection) -> tuple[Finding, ...]:
    """Return a line for each guard.

    Args:
        protection: As it was read.
    """
    processes = [process for _, process in _processes(protection)]
    told = protection.vault is not None
    landlock, unread = protection.landlock, protection.sticks_are_unread
    return (
        _find("Landlock", landlock > 0, (f"ABI {landlock}", "missing")),
        _find("seccomp", _all([each.has_seccomp for each in processes], told=told), ("held", "missing")),
        _find(
            "privileges", _all([each.gains_nothing for each in processes], told=told), ("none", "gainable")
        ),
        _find("users", _all([_are_apart(protection)], told=told), ("apart", "not so")),
        _find("USB guard", protection.usb_is_shut, ("held", "open"), fault="USB lets anything in"),
        _find("blkid", unread, ("off", "reads"), untold="no stick", fault="udev reads sticks"),
    )


def _find(
    name: str,
    good: bool | None,  # noqa: FBT001
    texts: tuple[str, str],
    *,
    untold: str = NOT_TOLD,
    fault: str = "",
) -> Finding:
    """Return a finding of what is good or bad."""
    text = untold if good is None else texts[not good]
    return Finding(name=name, good=good, text=text, fault=fault)


def _all(facts: Sequence[bool], *, told: bool) -> bool | None:
    """Return whether all of it holds; None where somebody has not told yet, and nothing is bad."""
    return False if not all(facts) else True if told else None


def _processes(protection: Protection) -> tuple[tuple[str, Confinement], ...]:
    """Return the processes that are known, by name."""
    known = (("kiosk", protection.kiosk), ("vault", protection.vault))
    return tuple((name, process) for name, process in known if process is not None)


def _are_apart(protection: Protection) -> bool:
    """Tell whether no two of the processes are one user, and none is root."""
    users = [process.user_id for _, process in _processes(protection)]
    return _ROOT not in users and len({*users}) == len(users)
