"""Manifests for Kubernetes: a Secret with the signer, as cert-manager's CA issuer reads it, and the roots.

    FOLDER/NAME.yaml        Secret of type kubernetes.io/tls: tls.crt (the signer), tls.key, ca.crt (its root)
    FOLDER/NAME-trust.yaml  ConfigMap: ca.crt (the roots to trust now, and those to come)

Rules:
1. A signer and its key are one file, which is replaced in one step; the hook applies it.
2. A Secret holds its key in the clear, and so does the file (0600): whatever leads it into a repository must
   encrypt it first.
3. Every file begins with a line that says who wrote it; one that does not is left alone.
"""

import re
from base64 import b64encode
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import yaml

from core.errors import FileError, PlaceError
from core.files import fsync_folder, read_bounded, replace
from core.receive.folder import filing
from server.material import Material, trust_pem
from server.opened import Root
from server.places.place import Place

_MARK: Final = b"# Written by PiSM; what is changed here is lost at the next change of the signer.\n"
_LABEL: Final = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")  # RFC 1123, as Kubernetes names things
_MAX_BYTES: Final = 4 * 1024 * 1024


class KubernetesPlace(Place, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A folder for manifests.

    Args:
        folder: Absolute path; it is made if the one above it is there.
        namespace: Of both objects.
        secret: Name of the Secret, and with -trust of the ConfigMap; at most 57 characters.
    """

    folder: str
    namespace: str
    secret: str

    def faults(self) -> Mapping[str, str]:
        """See server.places.place."""
        found = dict(super().faults())
        if not self.folder.startswith("/"):
            found["folder"] = "must be an absolute path"
        for key, value in {"namespace": self.namespace, "secret": f"{self.secret}-trust"}.items():
            if not _LABEL.fullmatch(value):
                found[key] = "must be a name of Kubernetes: a-z, 0-9 and - inside"
        return found

    def put(self, name: str, material: Material | None, roots: Sequence[Root]) -> None:
        """See server.places.place.

        Raises:
            PlaceError: The key is not in the archive (E-PLACE).
            FileError: The system refused, or something else stands under a name (E-FILE).
        """
        folder = Path(self.folder)
        secret, trust = folder / f"{self.secret}.yaml", folder / f"{self.secret}-trust.yaml"
        if material is not None and material.key is None:
            raise PlaceError(f"{name} needs the private key, which the server made itself")
        for path in (secret, trust):
            if path.exists() and not read_bounded(path, _MAX_BYTES).startswith(_MARK):
                raise FileError(f"{path} was not put there by PiSM; move it away")
        with filing(f"Writing {folder}"):
            if not folder.is_dir():
                folder.mkdir(mode=0o700)
                fsync_folder(folder.parent)
            replace(trust, self._manifest("ConfigMap", "-trust", {"ca.crt": trust_pem(roots).decode()}))
            if material is None:
                secret.unlink(missing_ok=True)
                fsync_folder(folder)
                return
            content = {
                "tls.crt": material.certificate_pem(),
                "tls.key": material.key_bytes(None),
                "ca.crt": material.root_pem(),
            }
            encoded = {key: b64encode(data).decode() for key, data in content.items()}
            replace(secret, self._manifest("Secret", "", encoded, type="kubernetes.io/tls"))

    def _manifest(self, kind: str, ending: str, data: Mapping[str, str], **more: Any) -> bytes:
        """Return one object as YAML."""
        content = {
            "apiVersion": "v1",
            "kind": kind,
            **more,
            "metadata": {"name": f"{self.secret}{ending}", "namespace": self.namespace},
            "data": dict(data),
        }
        return _MARK + yaml.safe_dump(content, sort_keys=False, default_style=None).encode()
