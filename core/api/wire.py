"""How the messages of core.api.requests travel over a stream socket.

A frame is a 4-byte big-endian length and one msgpack value; a request's file descriptors travel with the
frame's first byte. Lengths are bounded before anything is allocated.
"""

import socket
import struct
from typing import Final, TypeVar

import msgspec

from core.api.requests import Message, Reply, Request

MAX_FRAME_BYTES: Final = 64 * 1024 * 1024
MAX_DESCRIPTORS: Final = 1
T = TypeVar("T")
_LENGTH = struct.Struct(">I")


class ProtocolError(Exception):
    """The peer broke the protocol: a bug on our side, never an operator's error."""


class ConnectionLostError(Exception):
    """The peer closed the connection: for the client, the vault process is gone."""


_encoder = msgspec.msgpack.Encoder()
_requests: msgspec.msgpack.Decoder[Request] = msgspec.msgpack.Decoder(Request)
_replies: msgspec.msgpack.Decoder[Reply] = msgspec.msgpack.Decoder(Reply)


def send(peer: socket.socket, message: Message, descriptors: tuple[int, ...] = ()) -> None:
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


def receive_request(peer: socket.socket) -> tuple[Request, tuple[int, ...]]:
    """Wait for a request; the caller owns the descriptors that came with it.

    Raises:
        ConnectionLostError: The client closed the connection.
        ProtocolError: Not a request of ours.
    """
    body, descriptors = _receive(peer)
    return _decode(_requests, body), descriptors


def receive_reply(peer: socket.socket) -> Reply:
    """Wait for a reply.

    Raises:
        ConnectionLostError: The vault process is gone.
        ProtocolError: Not a reply of ours.
    """
    body, _ = _receive(peer)
    return _decode(_replies, body)


def _decode(decoder: "msgspec.msgpack.Decoder[T]", body: bytes) -> T:
    try:
        return decoder.decode(body)
    except msgspec.MsgspecError:
        # The cause could quote a passphrase: it is dropped on purpose.
        raise ProtocolError("a message is not to the protocol") from None


def _receive(peer: socket.socket) -> tuple[bytes, tuple[int, ...]]:
    try:
        header, descriptors, _flags, _address = socket.recv_fds(peer, _LENGTH.size, MAX_DESCRIPTORS)
        if not header:
            raise ConnectionLostError
        header += _read_exactly(peer, _LENGTH.size - len(header))
        (length,) = _LENGTH.unpack(header)
        if length > MAX_FRAME_BYTES:
            raise ProtocolError("a message is too long")
        return _read_exactly(peer, length), tuple(descriptors)
    except ConnectionResetError as error:
        raise ConnectionLostError from error


def _read_exactly(peer: socket.socket, count: int) -> bytes:
    data = bytearray()
    while len(data) < count:
        chunk = peer.recv(min(count - len(data), 1 << 20))
        if not chunk:
            raise ConnectionLostError
        data += chunk
    return bytes(data)
