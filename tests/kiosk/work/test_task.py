"""Tasks: what each of them has to say of itself, and what is kept between two."""

import dataclasses
import importlib
import pkgutil
import sys
from pathlib import Path
from typing import Any

import pytest

import kiosk.work
from core.api.requests import REQUESTS
from kiosk.work.session import VaultLostError
from kiosk.work.task import Task, Tools
from tests.kiosk.live import NOW, open_twins

for module in pkgutil.iter_modules(kiosk.work.__path__):
    importlib.import_module(f"kiosk.work.{module.name}")


def tasks(base: type[Task] = Task) -> list[type[Task]]:
    found = [kind for child in base.__subclasses__() for kind in (child, *tasks(child))]
    # A dataclass with slots is made anew; the class that it was made from is nobody's.
    there = [kind for kind in found if getattr(sys.modules[kind.__module__], kind.__name__) is kind]
    return [kind for kind in there if dataclasses.is_dataclass(kind)]


@pytest.mark.parametrize("kind", tasks())
def test_a_task_says_what_it_results_in(kind: type[Task]) -> None:
    assert kind.__doc__ is not None
    assert "Result:" in kind.__doc__


@pytest.mark.parametrize("kind", tasks())
def test_a_secret_of_a_task_shows_in_no_repr(kind: type[Any]) -> None:
    secret = [
        field.name for field in dataclasses.fields(kind) if field.type == "bytes" or field.type is bytes
    ]
    assert all(not field.repr for field in dataclasses.fields(kind) if field.name in secret)


def test_no_task_has_the_name_of_another() -> None:
    names = [kind.__name__ for kind in tasks()]
    assert len(names) == len(set(names))
    assert len(REQUESTS) == len(set(REQUESTS))


class _Thing:
    def __init__(self) -> None:
        self.closed = False

    def close(self) -> None:
        self.closed = True


def test_what_is_kept_takes_the_place_of_its_like_and_is_closed_when_it_is_forgotten(tmp_path: Path) -> None:
    tools = Tools(open_twins(tmp_path), tmp_path, tmp_path, lambda _progress, _step: None)
    assert tools.kept(_Thing) is None
    first, second = tools.keep(_Thing()), tools.keep(_Thing())
    assert (first.closed, second.closed) == (True, False)
    assert tools.kept(_Thing) is second
    tools.forget()
    assert second.closed
    assert tools.kept(_Thing) is None


def test_a_locked_box_has_no_vault(tmp_path: Path) -> None:
    tools = Tools(open_twins(tmp_path), tmp_path, tmp_path, lambda _progress, _step: None)
    assert tools.now == NOW
    with pytest.raises(VaultLostError, match="locked"):
        _ = tools.vault
