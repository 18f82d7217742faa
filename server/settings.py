"""server.yaml: who this server is and what stands where on it. Read as strictly as config.yaml.

    identity: /etc/pism-server/identity.txt
    trust: [/etc/pism-server/roots.pem]
    places:
      files:
        etcd: {target: services/etcd, folder: /etc/etcd/pki, plain_key: true, hook: [systemctl, reload, etcd]}

It holds paths and names, never a secret.
"""

import re
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Final

from cryptography import x509
from msgspec import Meta, Struct

from core.crypto.identities import MAX_IDENTITY_BYTES, load_identities
from core.errors import ConfigValueError
from core.files import read_bounded
from core.policy.yaml import MAX_BYTES, fit, read_yaml
from core.receive.trust import MAX_RECEIVER_BYTES, load_roots
from server.places.caddy import CaddyPlace
from server.places.files import FilesPlace
from server.places.kubernetes import KubernetesPlace
from server.places.openbao import OpenbaoPlace
from server.places.place import Place, read_passphrase_file

PUBLIC: Final = "public"
"""What stands for the folder for a web server where places are named."""
_NAME: Final = re.compile(r"[a-z][a-z0-9-]{0,31}")


class Places(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The places, by kind and by name."""

    caddy: dict[str, CaddyPlace] = {}
    files: dict[str, FilesPlace] = {}
    kubernetes: dict[str, KubernetesPlace] = {}
    openbao: dict[str, OpenbaoPlace] = {}


class Settings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All of server.yaml.

    Args:
        identity: File with the private key that opens archives.
        identity_passphrase_file: File with that key's passphrase, if it has one.
        trust: Files with roots to believe before the first archive.
        public: Folder for a web server, absolute; none if it is left out.
        warn_days: How long before signers or lists run out `pism server status` warns.
        places: What stands where.
    """

    identity: str
    identity_passphrase_file: str | None = None
    trust: tuple[str, ...] = ()
    public: str | None = None
    warn_days: Annotated[int, Meta(ge=1, le=3650)] = 30
    places: Places = Places()

    def named(self) -> Iterator[tuple[str, str, Place]]:
        """Yield kind, name and settings of every place."""
        for kind in self.places.__struct_fields__:
            for name, place in getattr(self.places, kind).items():
                yield kind, name, place

    def find(self, name: str) -> Place:
        """Return a place by its name."""
        return next(place for _, each, place in self.named() if each == name)

    def read_identities(self) -> tuple[Any, ...]:  # pyrage has no types
        """Return the private keys that open archives; secret.

        Raises:
            ArchiveIdentityError: The file holds none that can be used (E-ARCHIVE-IDENTITY).
            IdentityLockedError: It is encrypted, and the passphrase file is missing or another one's
                (E-IDENTITY-LOCKED).
            FileError: A file cannot be read (E-FILE).
        """
        file = self.identity_passphrase_file
        passphrase = None if file is None else partial(read_passphrase_file, file)
        return load_identities(
            read_bounded(Path(self.identity), MAX_IDENTITY_BYTES), passphrase, self.identity
        )

    def read_trust(self) -> list[x509.Certificate]:
        """Return the roots to believe before the first archive.

        Raises:
            ArchiveTrustError: A file holds no roots (E-ARCHIVE-TRUST).
            FileError: It cannot be read (E-FILE).
        """
        files = ((name, read_bounded(Path(name), MAX_RECEIVER_BYTES)) for name in self.trust)
        return [root for name, data in files for root in load_roots(data, name)]


def read_settings(path: Path) -> Settings:
    """Read server.yaml.

    Raises:
        ConfigError: It cannot be used; the text names file, line and key (E-CONFIG-SYNTAX, -KEY, -VALUE).
        FileError: It cannot be read (E-FILE).
    """
    source = read_yaml(read_bounded(path, MAX_BYTES), str(path))
    settings = fit(source, Settings)
    if settings.public is not None and not settings.public.startswith("/"):
        raise source.error(ConfigValueError, ("public",), "must be an absolute path")
    spots: dict[str, str] = {}
    kinds: dict[str, str] = {PUBLIC: "the folder for a web server"}
    for kind, name, place in settings.named():
        where = ("places", kind, name)
        if not _NAME.fullmatch(name):
            text = "a name has a-z, 0-9 and -, begins with a letter, and has at most 32 characters"
            raise source.error(ConfigValueError, where, text)
        if name in kinds:
            raise source.error(ConfigValueError, where, f"means {kinds[name]} already: names are unique")
        kinds[name] = kind
        for key, text in place.faults().items():
            raise source.error(ConfigValueError, (*where, key), text)
        for spot in place.spots():
            if spot in spots:
                raise source.error(ConfigValueError, where, f"{spots[spot]} stands there already: {spot}")
            spots[spot] = name
    return settings
