"""Caddy as an ACME server: its files and, by its admin API, what it issues from.

    FOLDER/...   as a place of files has them (server.places.files), keys in the clear: Caddy takes no others
    /config/     Caddy's whole configuration, which names these files as those of the CA `ca`

Rules:
1. The files change first, in one step. Then Caddy is given its own configuration again, with the order to
   read everything anew ("must-revalidate"): it takes it whole, or goes on as before and says why.
2. A leaf never outlives its signer: where the configuration lets this CA's leaves live longer than the
   signer's may (its ACME servers, its internal issuers), that is lowered. It is given back only if nobody has
   changed it meanwhile (`If-Match`).
3. It is done when Caddy itself says that the CA has this signer and this root.
4. Where none may stand Caddy is stopped: it would go on with the key that it has read. One that does not run
   issues nothing.

The API is that of Caddy 2 (its documentation, "API"); a duration is nanoseconds or a text of Go's.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from http import HTTPStatus
from typing import Any, Final

import msgspec
from cryptography import x509
from msgspec import Struct

from core.decoding import DecodingError, json_decoder
from core.errors import PlaceError
from server.material import Material
from server.opened import Root
from server.places.api import MAX_ANSWER_BYTES, Answer, Api, fault_of, in_a_line
from server.places.files import FilesPlace
from server.places.place import Place

_DEFAULT_LIFETIME: Final = timedelta(hours=12)  # of Caddy's
_NANOSECONDS: Final = 1_000_000_000
_DURATION: Final = re.compile(r"(\d+(?:\.\d+)?)(ns|us|µs|μs|ms|s|m|h|d)")
_UNIT_NS: Final = {
    "ns": 1, "us": 10**3, "µs": 10**3, "μs": 10**3, "ms": 10**6, "s": 10**9,
    "m": 60 * 10**9, "h": 3600 * 10**9, "d": 24 * 3600 * 10**9,
}  # fmt: skip
_NAME: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")


class _Ca(Struct):
    """What Caddy says of a CA."""

    root_certificate: str
    intermediate_certificate: str


class _Refused(Struct):
    error: str = ""


_decode_ca = json_decoder(_Ca, MAX_ANSWER_BYTES)
_decode_refused = json_decoder(_Refused, MAX_ANSWER_BYTES)
# Caddy's modules are anybody's: what is not ours to change goes back as it came. The depth has a bound.
_decode_config = json_decoder(dict[str, Any], MAX_ANSWER_BYTES)


class CaddyPlace(Place, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A CA of a Caddy that runs.

    Args:
        folder: As of a place of files; the configuration names its certificate.pem, key.pem and root.pem.
        ca: Name of the CA in the configuration.
        admin: URL of the admin API.
        mode: As of a place of files.
        owner: As of a place of files.
    """

    folder: str
    ca: str = "pism"
    admin: str = "http://127.0.0.1:2019"
    mode: str = "0600"
    owner: str | None = None

    def faults(self) -> Mapping[str, str]:
        """See server.places.place."""
        found = {**super().faults(), **self._files.faults()}
        if fault := fault_of(self.admin, "http://127.0.0.1:2019"):
            found["admin"] = fault
        if not _NAME.fullmatch(self.ca):
            found["ca"] = "must be the name of a CA, such as pism"
        return found

    def spots(self) -> tuple[str, ...]:
        """See server.places.place."""
        return (*self._files.spots(), f"CA {self.ca} of {self.admin}")

    @property
    def _files(self) -> FilesPlace:
        return FilesPlace(
            target=self.target,
            lane=self.lane,
            lane_of=self.lane_of,
            folder=self.folder,
            plain_key=True,
            mode=self.mode,
            owner=self.owner,
        )

    def put(self, name: str, material: Material | None, roots: Sequence[Root]) -> None:
        """See server.places.place.

        Raises:
            PlaceError: Caddy refuses, does not run, or says what cannot be read; or the key is not in the
                archive (E-PLACE).
            FileError: As of a place of files (E-FILE).
        """
        if material is not None and material.key is None:
            raise PlaceError(f"{name} needs the private key, which the server made itself")
        self._files.put(name, material, roots)
        caddy = Api("Caddy", self.admin, {"Content-Type": "application/json"})
        if material is None:
            _stop(caddy)
        else:
            self._reload(caddy, material)

    def _reload(self, caddy: Api, material: Material) -> None:
        """Have Caddy read its files anew and issue nothing that outlives them; see that it does."""
        answer = _require(caddy.ask("GET", "/config/"), "its configuration")
        try:
            config = _decode_config(answer.body)
        except DecodingError as error:
            raise PlaceError("Caddy has no configuration") from error
        for issuer in _issuers(config, self.ca):
            issuer["lifetime"] = min(
                _nanoseconds(issuer.get("lifetime", "")),
                int(material.signer.leaf_lifetime.total_seconds()) * _NANOSECONDS,
            )
        headers = {"Cache-Control": "must-revalidate"} | ({"If-Match": answer.etag} if answer.etag else {})
        _require(caddy.ask("POST", "/config/", msgspec.json.encode(config), headers), "it back")
        told = _require(caddy.ask("GET", f"/pki/ca/{self.ca}"), f"its CA {self.ca}")
        if not _is_of(told, material):
            raise PlaceError(f"Caddy's CA {self.ca} does not issue from {self.folder}/certificate.pem")


def _issuers(config: Any, ca: str) -> Iterator[dict[str, Any]]:
    """Yield every part of a configuration that says how long leaves of a CA live."""
    left = [config]
    while left:
        part = left.pop()
        if isinstance(part, dict):
            left += part.values()
            if (part.get("handler") == "acme_server" or part.get("module") == "internal") and part.get(
                "ca", "local"
            ) == ca:
                yield part
        elif isinstance(part, list):
            left += part


def _nanoseconds(lifetime: Any) -> int:
    """Return how long leaves live by a configuration; Caddy's own choice where it says nothing."""
    if isinstance(lifetime, int) and lifetime > 0:
        return lifetime
    parts = _DURATION.findall(lifetime) if isinstance(lifetime, str) else []
    found = int(sum(float(number) * _UNIT_NS[unit] for number, unit in parts))
    return found or int(_DEFAULT_LIFETIME.total_seconds()) * _NANOSECONDS


def _is_of(answer: Answer, material: Material) -> bool:
    """Return whether a CA is what stands."""
    try:
        ca = _decode_ca(answer.body)
        found = [
            x509.load_pem_x509_certificate(pem.encode())
            for pem in (ca.intermediate_certificate, ca.root_certificate)
        ]
    except (DecodingError, ValueError) as error:
        raise PlaceError("Caddy's answer is not what its API says") from error
    return found == [material.certificate, material.root]


def _stop(caddy: Api) -> None:
    """End a Caddy; one that cannot be reached does not run."""
    try:
        answer = caddy.ask("POST", "/stop")
    except PlaceError as error:
        if isinstance(error.__cause__, ConnectionRefusedError):
            return
        raise
    _require(answer, "to stop")


def _require(answer: Answer, what: str) -> Answer:
    """Return an answer that is none of a refusal.

    Raises:
        PlaceError: It is one (E-PLACE).
    """
    if answer.status == HTTPStatus.OK:
        return answer
    try:
        why = _decode_refused(answer.body).error
    except DecodingError:
        why = ""
    raise PlaceError(f"Caddy refuses {what}: {answer.status} {in_a_line(why)}".rstrip())
