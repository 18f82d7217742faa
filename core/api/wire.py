"""How requests and their answers travel over a stream socket.

The client asks, the vault answers any number of `Progress` and then one `Done` or `Failed`. `Stop` alone may
be sent while a request runs. Closing the connection is the lock.

1. A frame is a 4-byte big-endian length and one msgpack value; a request's file descriptors travel with the
   frame's first byte.
2. Lengths are bounded before anything is allocated.
3. What is not to the protocol is refused without its text, which could be a passphrase.
"""

import os
import socket
import struct
from collections.abc import Callable
from functools import reduce
from operator import or_
from typing import TYPE_CHECKING, Any, Final, TypeVar

import msgspec
from msgspec import Struct

from core.api.requests import REQUESTS, Request, result_of
from core.decoding import DecodingError, msgpack_decoder
from core.progress import Progress

MAX_FRAME_BYTES: Final = 64 * 1024 * 1024
MAX_DESCRIPTORS: Final = 1
T = TypeVar("T")
_LENGTH = struct.Struct(">I")

if TYPE_CHECKING:
    from core.api.results import Result

    AnyRequest = Request[Any]
    AnyResult = Result
else:  # the decoder wants every type by name: they are those of core.api.requests, listed nowhere else
    AnyRequest = reduce(or_, REQUESTS)
    AnyResult = reduce(or_, map(result_of, REQUESTS))


class _Message(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag=True):
    """Base of what is neither a request nor a result."""


class Stop(_Message, frozen=True):
    """End the running request at its next commit; it then fails with E-STOPPED."""


class Done(_Message, frozen=True, kw_only=True):
    """The request succeeded."""

    result: AnyResult


class Failed(_Message, frozen=True, kw_only=True):
    """The request was refused: an error of core.errors, or E-BUG without its text.

    Args:
        code: Stable code.
        text: What happened; never a secret.
        action: At most three lines for the screen.
        wait_s: Seconds before another passphrase is looked at.
        failed_attempts: Wrong passphrases since the last unlock.
    """

    code: str
    text: str
    action: tuple[str, ...]
    wait_s: int = 0
    failed_attempts: int = 0


ClientMessage = AnyRequest | Stop
Reply = Progress | Done | Failed


class ProtocolError(Exception):
    """The peer broke the protocol: a bug on our side, never an operator's error."""


class ConnectionLostError(Exception):
    """The peer closed the connection: for the client, the vault process is gone."""


_encoder = msgspec.msgpack.Encoder()
_decode_request: Callable[[bytes], ClientMessage] = msgpack_decoder(ClientMessage, MAX_FRAME_BYTES)
_decode_reply: Callable[[bytes], Reply] = msgpack_decoder(Reply, MAX_FRAME_BYTES)


def send(peer: socket.socket, message: ClientMessage | Reply, descriptors: tuple[int, ...] = ()) -> None:
    """Send one message, and `descriptors` with its first byte.

    Raises:
        ConnectionLostError: The peer is gone.
        ProtocolError: The message is longer than MAX_FRAME_BYTES.
    """
    body = _encoder.encode(message)
    if len(body) > MAX_FRAME_BYTES:
        raise ProtocolError(f"{type(message).__name__} is too long to send")
    frame = _LENGTH.pack(len(body)) + body
    try:
        sent = socket.send_fds(peer, [frame], descriptors) if descriptors else 0
        if sent < len(frame):  # else the answer may be here already, and the peer gone
            peer.sendall(memoryview(frame)[sent:])
    except (BrokenPipeError, ConnectionResetError) as error:
        raise ConnectionLostError from error


def receive_request(peer: socket.socket) -> tuple[ClientMessage, tuple[int, ...]]:
    """Wait for a request; the caller owns the descriptors that came with it.

    Raises:
        ConnectionLostError: The client closed the connection.
        ProtocolError: Not a request of ours.
    """
    body, descriptors = _receive(peer)
    try:
        message = _decode(_decode_request, body)
    except ProtocolError:
        close_descriptors(descriptors)
        raise
    return message, descriptors


def close_descriptors(descriptors: tuple[int, ...]) -> None:
    """Close what came with a message."""
    for descriptor in descriptors:
        os.close(descriptor)


def receive_reply(peer: socket.socket) -> Reply:
    """Wait for a reply.

    Raises:
        ConnectionLostError: The vault process is gone.
        ProtocolError: Not a reply of ours.
    """
    body, _ = _receive(peer)
    return _decode(_decode_reply, body)


def _decode(decode: Callable[[bytes], T], body: bytes) -> T:
    try:
        return decode(body)
    except DecodingError:
        # Its text could quote a passphrase: it is dropped on purpose.
        raise ProtocolError("a message is not to the protocol") from None


def _receive(peer: socket.socket) -> tuple[bytes, tuple[int, ...]]:
    try:
        header, descriptors, _flags, _address = socket.recv_fds(peer, _LENGTH.size, MAX_DESCRIPTORS)
    except ConnectionResetError as error:
        raise ConnectionLostError from error
    try:
        return _read_body(peer, header), tuple(descriptors)
    except (ProtocolError, ConnectionLostError):
        close_descriptors(tuple(descriptors))
        raise


def _read_body(peer: socket.socket, header: bytes) -> bytes:
    """Return the bytes of a frame of which the header's beginning is here."""
    if not header:
        raise ConnectionLostError
    (length,) = _LENGTH.unpack(header + _read_exactly(peer, _LENGTH.size - len(header)))
    if length > MAX_FRAME_BYTES:
        raise ProtocolError("a message is too long")
    return _read_exactly(peer, length)


def _read_exactly(peer: socket.socket, count: int) -> bytes:
    data = bytearray()
    while len(data) < count:
        try:
            chunk = peer.recv(min(count - len(data), 1 << 20))
        except ConnectionResetError as error:
            raise ConnectionLostError from error
        if not chunk:
            raise ConnectionLostError
        data += chunk
    return bytes(data)
