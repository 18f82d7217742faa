"""An engine's HTTP API on this machine or behind TLS, asked so that what goes there goes nowhere else.

1. The address is https, or http to this machine: keys and tokens go there. No proxy, no redirect.
2. An answer is bounded, and comes within half a minute or not at all.
3. What is told of a refusal is one short line of it; what was sent is in no error.
"""

import http.client
import ssl
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Final, NamedTuple
from urllib.parse import SplitResult, urlsplit

from core.errors import PlaceError
from core.files import read_bounded

MAX_ANSWER_BYTES: Final = 4 * 1024 * 1024
_TIMEOUT_S: Final = 30
_MAX_TOLD_CHARACTERS: Final = 200
_HERE: Final = frozenset({"127.0.0.1", "::1", "localhost"})


class Answer(NamedTuple):
    """What an API answered: status, body, and the version of what was asked for, "" where it has none."""

    status: int
    body: bytes
    etag: str = ""


class Api:
    """The API of one engine.

    Args:
        engine: Its name, for errors.
        address: Without fault (`fault_of`).
        headers: Sent with every question.
        ca_file: PEM file with the roots that its certificate is verified by; None: the system's.

    Raises:
        PlaceError: `ca_file` holds no roots (E-PLACE).
        FileError: It cannot be read (E-FILE).
    """

    def __init__(
        self, engine: str, address: str, headers: Mapping[str, str], ca_file: str | None = None
    ) -> None:
        url = urlsplit(address)
        self.engine, self._headers = engine, dict(headers)
        self._host, self._port = url.hostname or "", url.port
        self._context = _trusting(ca_file) if url.scheme == "https" else None

    def ask(
        self, method: str, path: str, content: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> Answer:
        """Ask once.

        Raises:
            PlaceError: It does not answer, or with more than MAX_ANSWER_BYTES (E-PLACE).
        """
        try:
            with closing(self._connection()) as connection:
                connection.request(method, path, body=content, headers=self._headers | dict(headers or {}))
                with closing(connection.getresponse()) as answer:  # it is more than read where it is too long
                    data = answer.read(MAX_ANSWER_BYTES + 1)
                    etag = answer.headers.get("Etag", "")
        except (OSError, http.client.HTTPException, ValueError) as error:
            text = f"{self.engine} at {self._host} does not answer: {type(error).__name__}"
            raise PlaceError(text) from error
        if len(data) > MAX_ANSWER_BYTES:
            raise PlaceError(f"{self.engine}'s answer is too long")
        return Answer(answer.status, data, etag)

    def _connection(self) -> http.client.HTTPConnection:
        if self._context is None:
            return http.client.HTTPConnection(self._host, self._port, timeout=_TIMEOUT_S)
        return http.client.HTTPSConnection(self._host, self._port, timeout=_TIMEOUT_S, context=self._context)


def fault_of(address: str, example: str) -> str:
    """Return what is wrong with an API's address, "" if nothing is."""
    url = _split(address)
    if url is None or not url.hostname or url.path.strip("/") or url.query or url.username:
        return f"must be a URL such as {example}"
    if url.scheme != "https" and not (url.scheme == "http" and url.hostname in _HERE):
        return "must be https: keys go there; http is for this machine"
    return ""


def in_a_line(text: str) -> str:
    """Return what an engine said, cut to what is told of it."""
    return " ".join(text.split())[:_MAX_TOLD_CHARACTERS]


def _trusting(ca_file: str | None) -> ssl.SSLContext:
    roots = None if ca_file is None else read_bounded(Path(ca_file), MAX_ANSWER_BYTES)
    try:
        return ssl.create_default_context(cadata=None if roots is None else roots.decode("ascii"))
    except (ssl.SSLError, ValueError) as error:
        raise PlaceError(f"{ca_file} holds no roots in PEM") from error


def _split(address: str) -> SplitResult | None:
    """Return the parts of a URL, or None where it is none."""
    try:
        url = urlsplit(address)
        has_port = url.port != 0
    except ValueError:
        return None
    return url if has_port else None
