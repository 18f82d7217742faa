"""OpenBao's PKI: a signer is the default issuer of a mount, and its API is the place.

    pism-NAME-<8 of the id>   signers of the place NAME: the one that stands issues, those before it do not
    pism-root-<8 of the id>   the roots to trust, without keys: /v1/MOUNT/issuer/NAME/json gives them out

Rules:
1. The signer that stands is imported first and made the default last, in one write: whoever asks for a leaf
   gets one of the old issuer or of the new one. `default_follows_latest_issuer`, which leaps ahead, is off.
2. A leaf never outlives its signer (`leaf_not_after_behavior`: truncate).
3. Signers that stood before issue no more; they go on signing their lists until they have expired, and are
   deleted then, with their keys. Where none may stand all of them are deleted.
4. Only issuers with a name of ours are touched, and of the others those that we are to place ourselves.
5. The token comes from a file, is in no error, and goes to the address of the settings only: no proxy, no
   redirect.

OpenBao answers by JSON (its API documentation, "PKI secrets engine"); an answer is bounded and typed.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final, TypeVar

import msgspec
from cryptography import x509
from msgspec import Struct

from core.decoding import DecodingError, json_decoder
from core.errors import PlaceError
from core.files import read_bounded
from server.material import Material, trust_pem
from server.opened import Root
from server.places.api import MAX_ANSWER_BYTES, Api, fault_of, in_a_line
from server.places.place import Place

_MAX_TOKEN_BYTES: Final = 4096
_MOUNT: Final = re.compile(r"[A-Za-z0-9_-]{1,64}(/[A-Za-z0-9_-]{1,64}){0,7}")
_ISSUES: Final = "read-only,issuing-certificates,crl-signing,ocsp-signing"
_ISSUES_NO_MORE: Final = "read-only,crl-signing,ocsp-signing"
_ROOT: Final = "pism-root-"
_DIGITS: Final = 8  # of an id, in a name
T = TypeVar("T")


class _Issuer(Struct):
    """An issuer of the mount as a list tells it."""

    issuer_name: str = ""
    key_id: str = ""


class _Issuers(Struct):
    key_info: dict[str, _Issuer] = {}


class _Imported(Struct):
    """Issuer -> its key, "" where it has none."""

    mapping: dict[str, str | None] = {}


class _Certificate(Struct):
    certificate: str


class _Anything(Struct):
    """An answer of which nothing is wanted."""


class _Refused(Struct):
    errors: tuple[str, ...] = ()


_NOTHING: Final = msgspec.Raw(b"null")


class _Answer(Struct):
    data: msgspec.Raw = _NOTHING


_decode_answer = json_decoder(_Answer, MAX_ANSWER_BYTES)


class OpenbaoPlace(Place, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A PKI mount of an OpenBao server; one place a mount.

    Args:
        address: URL of the server: https, or http where it is this machine.
        mount: Path of the mount.
        token_file: File with a token that may write the mount's issuers and keys.
        ca_file: PEM file with the roots that the server's own certificate is verified by; None: the system's.
        issuing_certificates: URLs where the signer's certificate is served, for the leaves.
        crl_distribution_points: URLs where the signer's own list is served, for the leaves.
    """

    address: str
    token_file: str
    mount: str = "pki"
    ca_file: str | None = None
    issuing_certificates: tuple[str, ...] = ()
    crl_distribution_points: tuple[str, ...] = ()

    def faults(self) -> Mapping[str, str]:
        """See server.places.place."""
        found = dict(super().faults())
        if fault := fault_of(self.address, "https://bao.example:8200"):
            found["address"] = fault
        if not _MOUNT.fullmatch(self.mount):
            found["mount"] = "must be the path of a mount, such as pki"
        for key in ("token_file", "ca_file"):
            if not (getattr(self, key) or "/").startswith("/"):
                found[key] = "must be an absolute path"
        return found

    def spots(self) -> tuple[str, ...]:
        """See server.places.place."""
        return (f"mount {self.mount} of {self.address}",)

    def put(self, name: str, material: Material | None, roots: Sequence[Root]) -> None:
        """See server.places.place.

        Raises:
            PlaceError: The server refuses, cannot be reached, or says what cannot be read; or the key is not
                in the archive (E-PLACE).
            FileError: The token or the roots cannot be read (E-FILE).
        """
        if material is not None and material.key is None:
            raise PlaceError(f"{name} needs the private key, which the server made itself")
        mount = _Mount(self)
        self._put_roots(mount, roots)
        standing = None if material is None else self._stand(mount, name, material)
        for id_, issuer in mount.issuers().items():
            if not issuer.issuer_name.startswith(f"pism-{name}-") or id_ == standing:
                continue
            if material is None or mount.certificate(id_).not_valid_after_utc < material.signer.issue_from:
                mount.delete(id_, issuer)
            else:
                mount.configure(id_, issuer.issuer_name, _ISSUES_NO_MORE)

    def _stand(self, mount: "_Mount", name: str, material: Material) -> str:
        """Import the signer, name it, and make it the default; return its id there."""
        bundle = material.key_bytes(None) + material.chain_pem(with_root=True)
        imported = mount.ask("POST", "issuers/import/bundle", _Imported, pem_bundle=bundle.decode())
        id_ = _one_of(issuer for issuer, key in imported.mapping.items() if key)
        mount.configure(
            id_,
            f"pism-{name}-{material.signer.id[:_DIGITS]}",
            _ISSUES,
            issuing_certificates=self.issuing_certificates,
            crl_distribution_points=self.crl_distribution_points,
        )
        mount.ask("POST", "config/issuers", _Anything, default=id_, default_follows_latest_issuer=False)
        return id_

    def _put_roots(self, mount: "_Mount", roots: Sequence[Root]) -> None:
        """Have the roots there, each under its name, and none of those that are to be trusted no more."""
        names = {}
        for root in roots:
            imported = mount.ask(
                "POST", "issuers/import/cert", _Imported, pem_bundle=trust_pem([root]).decode()
            )
            id_ = _one_of(imported.mapping)
            names[id_] = f"{_ROOT}{root.id[:_DIGITS]}"
        for id_, issuer in mount.issuers().items():
            if id_ in names and not issuer.issuer_name:
                mount.configure(id_, names[id_], "read-only")
            elif id_ not in names and issuer.issuer_name.startswith(_ROOT):
                mount.delete(id_, issuer)


def _one_of(ids: Iterable[str]) -> str:
    """Return the one issuer that an import was of."""
    found = tuple(ids)
    if len(found) != 1:
        raise PlaceError(f"OpenBao says of one certificate that it is {len(found)} issuers")
    return found[0]


class _Mount:
    """The API of a mount."""

    def __init__(self, place: OpenbaoPlace) -> None:
        token = read_bounded(Path(place.token_file), _MAX_TOKEN_BYTES).strip().decode("ascii", "replace")
        headers = {"X-Vault-Token": token, "Content-Type": "application/json"}
        self._api = Api("OpenBao", place.address, headers, place.ca_file)
        self._path = f"/v1/{place.mount}/"

    def issuers(self) -> dict[str, _Issuer]:
        """Return all issuers by id; OpenBao says of none that there is nothing."""
        return self.ask("LIST", "issuers", _Issuers).key_info

    def certificate(self, id_: str) -> x509.Certificate:
        """Return an issuer's certificate."""
        pem = self.ask("GET", f"issuer/{id_}", _Certificate).certificate
        try:
            return x509.load_pem_x509_certificate(pem.encode())
        except ValueError as error:
            raise PlaceError(f"OpenBao's issuer {id_} has no certificate that can be read") from error

    def configure(self, id_: str, name: str, usage: str, **more: Any) -> None:
        """Say what an issuer is called and what it may do."""
        self.ask(
            "POST",
            f"issuer/{id_}",
            _Anything,
            issuer_name=name,
            usage=usage,
            leaf_not_after_behavior="truncate",
            **more,
        )

    def delete(self, id_: str, issuer: _Issuer) -> None:
        """Delete an issuer, and its key, which nothing else uses; if that is refused it issues nothing."""
        self.configure(id_, issuer.issuer_name, "read-only")
        self.ask("DELETE", f"issuer/{id_}", _Anything)
        if issuer.key_id:
            self.ask("DELETE", f"key/{issuer.key_id}", _Anything)

    def ask(self, method: str, path: str, kind: type[T], **body: Any) -> T:
        """Ask the API, and return the data of its answer.

        Raises:
            PlaceError: It refuses, is not there, or its answer is none (E-PLACE).
        """
        content = msgspec.json.encode(body) if body else None
        status, data, _ = self._api.ask(method, self._path + path, content)
        if status == HTTPStatus.NOT_FOUND and method == "LIST":
            return kind()
        if status not in {HTTPStatus.OK, HTTPStatus.NO_CONTENT}:
            raise PlaceError(f"OpenBao refuses {method} {path}: {status} {_reasons(data)}")
        return _data_of(data, kind)


def _data_of(data: bytes, kind: type[T]) -> T:
    """Return `data` of an answer; where there is none, a `kind` of nothing."""
    try:
        found = _decode_answer(data).data if data else _NOTHING
        return kind() if found == _NOTHING else json_decoder(kind, MAX_ANSWER_BYTES)(bytes(found))
    except (DecodingError, TypeError) as error:
        raise PlaceError("OpenBao's answer is not what its API says") from error


def _reasons(data: bytes) -> str:
    """Return what a refusal says, in a line."""
    try:
        errors = json_decoder(_Refused, MAX_ANSWER_BYTES)(data).errors
    except DecodingError:
        return ""
    return in_a_line(" ".join(errors))
