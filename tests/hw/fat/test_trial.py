"""The tools on a sound volume: where they fail there, no stick is blamed."""

from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from hw.errors import StickFormatError, ToolsError
from hw.fat.launcher import Launcher, Outcome
from hw.fat.mtools import Drive
from hw.fat.trial import require_tools, try_tools
from hw.medium.node import NodeMedium


class Lacking(Launcher):
    """Starts the tools where a code page is missing, as it is on a system without glibc's tables."""

    def run(self, command: Sequence[str], **how: Any) -> Outcome:
        return super().run(["env", "DEFAULT_CODEPAGE=31337", *command], **how)


class Bare(Launcher):
    """Starts the tools on a system that has none."""

    def run(self, command: Sequence[str], **how: Any) -> Outcome:
        return super().run([f"no-{command[0]}", *command[1:]], **how)


def test_the_tools_of_this_machine_pass() -> None:
    try_tools()


def test_a_missing_part_of_the_system_is_named() -> None:
    with pytest.raises(ToolsError, match=r"mcopy fails on a sound volume: .*code page"):
        try_tools(Lacking)
    with pytest.raises(ToolsError, match=r"no-mkfs\.vfat is not installed"):
        try_tools(Bare)


def test_what_a_tool_prints_must_be_what_was_written() -> None:
    class Empty(Launcher):
        def run(self, command: Sequence[str], **how: Any) -> Outcome:
            return super().run(["true"] if command[0] == "mtype" else command, **how)

    with pytest.raises(ToolsError, match="what was not written"):
        try_tools(Empty)


def test_a_sound_stick_is_not_blamed_for_it(image: Path) -> None:
    with closing(NodeMedium(image)) as medium, pytest.raises(ToolsError):
        Drive(medium, open_launcher=Lacking)


def test_where_the_tools_work_it_is_the_sticks_format(image: Path) -> None:
    image.write_bytes(bytes(1 << 20))
    with closing(NodeMedium(image)) as medium, pytest.raises(StickFormatError):
        Drive(medium)


def test_tools_that_worked_once_are_not_tried_again_and_others_are() -> None:
    tries: list[type[Launcher]] = []

    def open_launcher() -> Launcher:
        tries.append(Lacking if not tries else Launcher)
        return tries[-1]()

    with pytest.raises(ToolsError):
        require_tools(open_launcher)
    require_tools(open_launcher)
    require_tools(open_launcher)
    assert tries == [Lacking, Launcher]
