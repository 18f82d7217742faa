"""The table of requests: whole, documented, and each line refuses what it does not want.

Every rule here holds for every request there is, and so for one that is added.
"""

import os
import socket
import typing
from collections.abc import Iterator
from datetime import datetime
from inspect import signature
from pathlib import Path
from typing import Any

import pytest

from core.api import wire
from core.api.requests import REQUESTS, Request, SecretRequest, result_of
from core.api.results import Result, Runs
from core.progress import report_nothing
from core.vault.handlers import HANDLERS, Connection, When, perform
from tests.authorities import NOW, Founded, found

RUNS = Runs(version="0.1.0", files="", board="", serial="", installed="")
SAMPLES: dict[Any, Any] = {
    str: "1",
    bytes: b"a",
    int: 1,
    bool: True,
    datetime: NOW,
    str | None: None,
    Runs | None: RUNS,
}
BY_NAME: dict[type[Request[Any]], str] = {kind: kind.__name__ for kind in REQUESTS}


def make_sample(kind: type[Request[Any]]) -> Request[Any]:
    """Return a request with something in each of its fields."""
    hints = typing.get_type_hints(kind)
    values = {name: SAMPLES.get(hints[name], ()) for name in kind.__struct_fields__}
    return kind(**{name: {} if typing.get_origin(hints[name]) is dict else values[name] for name in values})


def each_that_is(*states: When, file: bool | None = None) -> pytest.MarkDecorator:
    """Parametrise over the lines of the table that want the box in one of some states."""
    kinds = [
        kind
        for kind in REQUESTS
        if HANDLERS[kind].when in states and (file is None or bool(HANDLERS[kind].file) is file)
    ]
    return pytest.mark.parametrize("kind", kinds, ids=BY_NAME.get)


every = each_that_is(*When)


@pytest.fixture(scope="module")
def founded(tmp_path_factory: pytest.TempPathFactory) -> Founded:
    return found(tmp_path_factory.mktemp("box") / "state", top_up=False)


@pytest.fixture
def locked(founded: Founded, tmp_path: Path) -> Connection:
    """A connection to a box with an authority, before its unlock."""
    return Connection(founded.state, tmp_path / "config.yaml", report_nothing)


@pytest.fixture
def unlocked(founded: Founded, tmp_path: Path) -> Iterator[Connection]:
    with founded.open() as authority:
        connection = Connection(founded.state, tmp_path / "config.yaml", report_nothing)
        connection.unlocked = authority
        yield connection


@pytest.fixture
def empty(tmp_path: Path) -> Connection:
    """A connection to a box without an authority."""
    return Connection(tmp_path / "none", tmp_path / "config.yaml", report_nothing)


@pytest.fixture
def descriptor() -> Iterator[int]:
    number = os.memfd_create("test")
    yield number
    os.close(number)


def refusal(connection: Connection, kind: type[Request[Any]]) -> str:
    """Return the code that a request is refused with; "" if it is answered."""
    reply = perform(connection, make_sample(kind), ())
    return reply.code if isinstance(reply, wire.Failed) else ""


def test_every_request_has_its_handler_and_every_handler_its_request() -> None:
    assert set(HANDLERS) == set(REQUESTS)


@every
def test_a_request_says_what_it_is_answered_with(kind: type[Request[Any]]) -> None:
    assert f"`{result_of(kind).__name__}`" in (kind.__doc__ or "")


@every
def test_a_handler_is_named_documented_and_typed_for_its_request(kind: type[Request[Any]]) -> None:
    answer = HANDLERS[kind].answer
    given = [each.annotation for each in signature(answer).parameters.values()]
    file = [] if HANDLERS[kind].file is None else [typing.BinaryIO]
    assert given == [Connection, kind, *file]
    assert typing.get_type_hints(answer)["return"] is result_of(kind)
    assert answer.__doc__
    assert not answer.__name__.startswith("_")


@every
def test_a_request_with_a_secret_shows_only_its_kind(kind: type[Request[Any]]) -> None:
    secret = {"passphrase", "old", "new", "words", "keys"} & set(kind.__struct_fields__)
    assert issubclass(kind, SecretRequest) == bool(secret)
    assert not secret or repr(make_sample(kind)) == f"{kind.__name__}(...)"


@every
def test_a_request_and_its_result_travel(kind: type[Request[Any]]) -> None:
    assert issubclass(result_of(kind), Result)
    request = make_sample(kind)
    assert wire._decode_request(wire._encoder.encode(request)) == request


@each_that_is(When.UNLOCKED)
def test_a_locked_box_refuses_what_wants_an_unlocked_one(
    kind: type[Request[Any]], locked: Connection, empty: Connection
) -> None:
    assert refusal(locked, kind) == "E-STATE-MISSING"
    assert refusal(empty, kind) == "E-STATE-MISSING"


@each_that_is(When.LOCKED, When.EMPTY)
def test_an_unlocked_box_takes_no_way_in(kind: type[Request[Any]], unlocked: Connection) -> None:
    with pytest.raises(wire.ProtocolError, match="unlocked already"):
        refusal(unlocked, kind)


@each_that_is(When.EMPTY)
def test_a_box_with_an_authority_refuses_what_wants_an_empty_one(
    kind: type[Request[Any]], locked: Connection
) -> None:
    assert refusal(locked, kind) == "E-STATE-EXISTS"


@each_that_is(When.ALWAYS)
def test_what_is_always_taken_is_taken_in_every_state(
    kind: type[Request[Any]], locked: Connection, unlocked: Connection, empty: Connection
) -> None:
    for connection in (locked, unlocked, empty):
        assert refusal(connection, kind) not in ("E-STATE-MISSING", "E-STATE-EXISTS")


@each_that_is(*When, file=True)
def test_a_request_for_a_file_wants_just_one(
    kind: type[Request[Any]], unlocked: Connection, empty: Connection, descriptor: int
) -> None:
    right = unlocked if HANDLERS[kind].when is When.UNLOCKED else empty
    for wrong in ((), (descriptor, descriptor)):
        with pytest.raises(wire.ProtocolError, match="descriptors came with"):
            perform(right, make_sample(kind), wrong)


@each_that_is(*When, file=True)
def test_what_comes_for_a_file_is_one_and_none_stays_open(
    kind: type[Request[Any]], unlocked: Connection, empty: Connection, tmp_path: Path
) -> None:
    right = unlocked if HANDLERS[kind].when is When.UNLOCKED else empty
    folder, (reading, writing), ours = os.open(tmp_path, os.O_RDONLY), os.pipe(), socket.socket()
    before = sum(1 for _ in Path("/proc/self/fd").iterdir())
    try:
        for wrong in (folder, reading, writing, ours.fileno()):
            with pytest.raises(wire.ProtocolError, match="is no file"):
                perform(right, make_sample(kind), (wrong,))
        assert sum(1 for _ in Path("/proc/self/fd").iterdir()) == before
    finally:
        ours.close()
        for each in (folder, reading, writing):
            os.close(each)


@each_that_is(*When, file=False)
def test_a_request_without_a_file_wants_none(
    kind: type[Request[Any]], locked: Connection, unlocked: Connection, empty: Connection, descriptor: int
) -> None:
    right = {When.UNLOCKED: unlocked, When.EMPTY: empty}.get(HANDLERS[kind].when, locked)
    with pytest.raises(wire.ProtocolError, match="descriptors came with"):
        perform(right, make_sample(kind), (descriptor,))
