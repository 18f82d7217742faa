"""The look at the box before it is unlocked: what its system is verified by."""

from dataclasses import replace
from pathlib import Path

import pytest

from core.crypto.recipients import fingerprint_words
from hw.system.emulated import HELD, SOUND, EmulatedSensors
from kiosk.work.health import judge
from kiosk.work.inspection import inspect

HASH = "0123456789abcdef" * 4


def test_a_card_says_its_system_in_eight_words_and_another_system_has_none(tmp_path: Path) -> None:
    words = fingerprint_words(bytes.fromhex(HASH))
    for root_hash, wanted in ((HASH, words[:8]), ("", ()), (None, ())):
        found = inspect(EmulatedSensors(replace(SOUND, root_hash=root_hash)), HELD, tmp_path)
        assert found.system_words == wanted


@pytest.mark.parametrize(
    ("root_hash", "told"), [(HASH, [(True, "verified")]), ("", [(False, "not so")]), (None, [])]
)
def test_the_self_test_judges_the_system_of_a_card_and_of_nothing_else(
    root_hash: str | None, told: list[tuple[bool, str]]
) -> None:
    found = judge(replace(SOUND, root_hash=root_hash))
    assert [(row.good, row.text) for row in found if row.name == "system"] == told


def test_a_card_that_is_not_verified_is_said_on_the_locked_box(tmp_path: Path) -> None:
    found = inspect(EmulatedSensors(replace(SOUND, root_hash="")), HELD, tmp_path)
    assert found.faults == ("System is unverified",)
