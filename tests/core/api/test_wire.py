"""Messages over a real socket pair: whole, bounded, with their descriptors."""

import os
import socket
import struct
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from core.api import requests as protocol
from core.api import results, wire
from core.progress import Progress
from tests.builders import utc

NOW = utc("2027-02-10T12:00")
Pair = tuple[socket.socket, socket.socket]


@pytest.fixture
def pair() -> Iterator[Pair]:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        yield ours, theirs


def frame(body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + body


REQUESTS: tuple[protocol.Request[Any], ...] = (
    protocol.Hello(),
    protocol.AskPolicy(),
    protocol.Init(passphrase=b"secret words", policy_sha256="00" * 32, now=NOW),
    protocol.Unlock(passphrase=b"secret words", now=NOW),
    protocol.TopUp(now=NOW),
    protocol.ForeseeArchive(kind="egress", name="main-kudo", public=True, now=NOW),
    protocol.WriteArchive(kind="egress", name="main-kudo", public=True, now=NOW),
    protocol.ConfirmWritten(kind="egress", name="main-kudo", sequence=1, where="PISM-ALL", now=NOW),
    protocol.AskStatus(now=NOW),
    protocol.ApprovePolicy(policy_sha256="00" * 32, now=NOW),
    protocol.ChangePassphrase(old=b"secret old", new=b"secret new", now=NOW),
    protocol.CorrectClock(now=NOW),
    protocol.Revoke(certificate="1", reason="superseded", now=NOW),
    wire.Stop(),
)


@pytest.mark.parametrize("request_", REQUESTS, ids=lambda item: type(item).__name__)
def test_a_request_arrives_as_it_was_sent(pair: Pair, request_: protocol.Request[Any]) -> None:
    wire.send(pair[0], request_)
    assert wire.receive_request(pair[1]) == (request_, ())


@pytest.mark.parametrize(
    "reply",
    [
        Progress(done=1, total=2, what="signer", work_done=1000, work_total=3000),
        Progress(done=1, total=2, what="papers", counted=False),
        wire.Failed(code="E-STOPPED", text="stopped", action=("a", "b")),
        wire.Done(result=results.Acknowledged()),
        wire.Done(
            result=results.Ready(
                provisioned=True,
                failed_attempts=1,
                wait_s=1,
                swap=False,
                confined=results.Confined(user_id=990, has_seccomp=True, gains_nothing=True),
            )
        ),
    ],
)
def test_a_reply_arrives_as_it_was_sent(pair: Pair, reply: wire.Reply) -> None:
    wire.send(pair[0], reply)
    assert wire.receive_reply(pair[1]) == reply


def test_a_message_with_a_secret_shows_only_its_kind() -> None:
    secrets = [item for item in REQUESTS if b"secret" in msgspec.msgpack.encode(item)]
    assert [repr(item) for item in secrets] == ["Init(...)", "Unlock(...)", "ChangePassphrase(...)"]


def test_messages_keep_their_order_and_their_bounds(pair: Pair) -> None:
    for request in REQUESTS:
        wire.send(pair[0], request)
    assert [wire.receive_request(pair[1])[0] for _ in REQUESTS] == list(REQUESTS)


def test_a_descriptor_travels_with_its_request(pair: Pair, tmp_path: Path) -> None:
    with (tmp_path / "file").open("wb") as file:
        wire.send(pair[0], protocol.Hello(), (file.fileno(),))
        wire.send(pair[0], protocol.Hello())
    _, (descriptor,) = wire.receive_request(pair[1])
    with os.fdopen(descriptor, "wb") as received:
        received.write(b"through the socket")
    assert (tmp_path / "file").read_bytes() == b"through the socket"
    assert wire.receive_request(pair[1]) == (protocol.Hello(), ())


def test_a_long_message_arrives_whole(pair: Pair) -> None:
    companion = results.Companion(path="report.html", data=bytes(range(256)) * 8192, numbered=True)
    long = wire.Done(
        result=results.ArchiveWritten(
            kind="egress",
            name="main-kudo",
            sequence=1,
            mark="3fa41b9c",
            archive_name="a.tar.age",
            size_bytes=1,
            sha256="00" * 32,
            companions=(companion,),
        )
    )
    sender = threading.Thread(target=wire.send, args=(pair[0], long))
    sender.start()
    assert wire.receive_reply(pair[1]) == long
    sender.join()


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\xc1",
        msgspec.msgpack.encode({"type": "Nonsense"}),
        msgspec.msgpack.encode({"type": "TopUp"}),
        msgspec.msgpack.encode({"type": "Hello", "more": 1}),
        msgspec.msgpack.encode({"type": "TopUp", "now": "yesterday"}),
        msgspec.msgpack.encode(protocol.Hello()) + b"\x00",
        b"\x82\xa4type\xa5Hello\xa1\xff\x01",  # a key that is no UTF-8
        b"\x81\xa4type\xa2\xc3\x28",
        b"\x91" * 4000 + b"\x01",
        b"\x81\xa1a" * 4000 + b"\x01",
        b"\x82\xa4more" + b"\x91" * 4000 + b"\x01\xa4type\xa5Hello",
    ],
)
def test_what_is_not_to_the_protocol_is_refused_without_its_text(pair: Pair, body: bytes) -> None:
    pair[0].sendall(frame(body) * 2)
    with pytest.raises(wire.ProtocolError, match="not to the protocol") as raised:
        wire.receive_request(pair[1])
    assert raised.value.__cause__ is None
    assert raised.value.__suppress_context__
    with pytest.raises(wire.ProtocolError):
        wire.receive_reply(pair[1])


def test_a_request_is_no_reply(pair: Pair) -> None:
    wire.send(pair[0], protocol.Hello())
    with pytest.raises(wire.ProtocolError):
        wire.receive_reply(pair[1])


def test_a_length_over_the_limit_is_refused_before_anything_is_read(pair: Pair) -> None:
    pair[0].sendall(struct.pack(">I", wire.MAX_FRAME_BYTES + 1))
    with pytest.raises(wire.ProtocolError, match="too long"):
        wire.receive_request(pair[1])


def test_a_message_over_the_limit_is_not_sent(pair: Pair) -> None:
    huge = protocol.Unlock(passphrase=bytes(wire.MAX_FRAME_BYTES), now=NOW)
    with pytest.raises(wire.ProtocolError, match="Unlock is too long"):
        wire.send(pair[0], huge)
    pair[0].close()
    with pytest.raises(wire.ConnectionLostError):
        wire.receive_request(pair[1])


@pytest.mark.parametrize("count", [0, 1, 3, 4, 5, -1])
def test_an_end_anywhere_in_a_frame_is_a_lost_connection(pair: Pair, count: int) -> None:
    pair[0].sendall(frame(msgspec.msgpack.encode(protocol.Hello()))[:count])
    pair[0].close()
    with pytest.raises(wire.ConnectionLostError):
        wire.receive_request(pair[1])


def test_a_peer_that_is_gone_is_a_lost_connection_to_the_sender(pair: Pair) -> None:
    pair[1].close()
    with pytest.raises(wire.ConnectionLostError):
        wire.send(pair[0], protocol.Hello())


def test_a_peer_that_closed_without_reading_is_a_lost_connection(pair: Pair) -> None:
    wire.send(pair[0], protocol.Hello())
    pair[1].close()  # with our request unread: the kernel says ECONNRESET
    with pytest.raises(wire.ConnectionLostError):
        wire.receive_reply(pair[0])
