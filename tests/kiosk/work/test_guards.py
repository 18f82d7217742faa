"""A box without its guards is refused, and each of them is a line of the self-test."""

from dataclasses import replace

import pytest

from core.api.results import Confined
from hw.errors import HardwareError, LandlockError, SeccompError, UsersError
from hw.ports import Confinement, Protection
from hw.system.emulated import HELD
from kiosk.text.wrap import COLUMNS
from kiosk.work.guards import add_vault, judge_guards, require
from kiosk.work.health import Finding

KIOSK = HELD.kiosk
VAULT = Confinement(user_id=997, has_seccomp=True, gains_nothing=True)
TOLD = Confined(user_id=997, has_seccomp=True, gains_nothing=True)
ALONE = replace(HELD, vault=None)

LACKING = (
    (replace(HELD, landlock=0), LandlockError, "Landlock", "missing"),
    (replace(HELD, kiosk=replace(KIOSK, has_seccomp=False)), SeccompError, "seccomp", "missing"),
    (replace(HELD, vault=replace(VAULT, has_seccomp=False)), SeccompError, "seccomp", "missing"),
    (replace(HELD, kiosk=replace(KIOSK, gains_nothing=False)), SeccompError, "privileges", "gainable"),
    (replace(HELD, vault=replace(VAULT, gains_nothing=False)), SeccompError, "privileges", "gainable"),
    (replace(HELD, vault=replace(VAULT, user_id=KIOSK.user_id)), UsersError, "users", "not so"),
    (replace(HELD, kiosk=replace(KIOSK, user_id=0)), UsersError, "users", "not so"),
    (replace(HELD, vault=replace(VAULT, user_id=0)), UsersError, "users", "not so"),
    (replace(ALONE, kiosk=replace(KIOSK, user_id=0)), UsersError, "users", "not so"),
)


def found(protection: Protection) -> dict[str, Finding]:
    return {each.name: each for each in judge_guards(protection)}


def test_a_box_with_all_its_guards_starts_before_and_after_its_vault_has_told() -> None:
    require(ALONE)
    require(add_vault(ALONE, TOLD))
    assert {row.good for row in judge_guards(add_vault(ALONE, TOLD))} == {True}


@pytest.mark.parametrize(("protection", "error", "name", "text"), LACKING)
def test_a_box_that_lacks_a_guard_is_refused_and_the_self_test_names_it(
    protection: Protection, error: type[HardwareError], name: str, text: str
) -> None:
    with pytest.raises(error):
        require(protection)
    row = found(protection)[name]
    assert (row.good, row.text) == (False, text)


@pytest.mark.parametrize("vault", [replace(VAULT, has_seccomp=False), replace(VAULT, user_id=KIOSK.user_id)])
def test_what_a_vault_tells_of_itself_is_judged_unless_the_guards_speak_for_it(vault: Confinement) -> None:
    told = Confined(user_id=vault.user_id, has_seccomp=vault.has_seccomp, gains_nothing=vault.gains_nothing)
    with pytest.raises(HardwareError, match="vault"):
        require(add_vault(ALONE, told))
    require(add_vault(HELD, told))


def test_what_nobody_has_told_is_never_good() -> None:
    untold = found(replace(ALONE, usb_is_shut=None, sticks_are_unread=None))
    rows = {name: (row.good, row.text) for name, row in untold.items()}
    assert rows["Landlock"] == (True, "ABI 6")
    assert {rows[name] for name in ("seccomp", "privileges", "users", "USB guard")} == {(None, "not told")}
    assert rows["blkid"] == (None, "no stick")


@pytest.mark.parametrize(
    ("protection", "name", "text", "fault"),
    [
        (replace(HELD, usb_is_shut=False), "USB guard", "open", "USB lets anything in"),
        (replace(HELD, sticks_are_unread=False), "blkid", "reads", "udev reads sticks"),
    ],
)
def test_an_open_usb_and_a_read_stick_are_said_and_hinder_nothing(
    protection: Protection, name: str, text: str, fault: str
) -> None:
    require(protection)
    assert found(protection)[name] == Finding(name=name, good=False, text=text, fault=fault)


@pytest.mark.parametrize("protection", [HELD, ALONE, *(each[0] for each in LACKING)])
def test_rows_fit_the_panel(protection: Protection) -> None:
    for row in judge_guards(replace(protection, usb_is_shut=False, sticks_are_unread=False)):
        assert len(row.name) <= 12
        assert len(row.text) <= 8
        assert len(row.fault) <= COLUMNS
