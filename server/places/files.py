"""A folder with the signer under names that never change, for every engine that reads files.

    FOLDER/certificate.pem  chain.pem  key.pem  root.pem     the signer; `form: der`: .der, no chain
    FOLDER/signer.p12  truststore.p12                        `form: pkcs12`: these, under the passphrase
    FOLDER/trust.pem  trust/<root id>.pem                    the roots to trust: in one file, one a file

Rules:
1. All names are links into FOLDER/..data, itself a link to a folder with the files. It is moved in one step,
   so that a reader sees a key with its own certificate always. (Kubernetes mounts its secrets so.)
2. The folder of files is whole and on the disk before the link moves; older ones are removed afterwards. What
   a killed process left is removed by the next call.
3. What stands under one of the names and is no such link is left alone: the place refuses.
4. Private keys are encrypted, unless `plain_key: true` says otherwise. Files have `mode` and `owner`.

Java's keytool and NSS's certutil take only the first root of a file: that is what trust/ and the truststore
are for.
"""

import os
import re
import secrets
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final, Literal

from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, pkcs12

from core.errors import FileError, PlaceError
from core.files import fsync_folder, write_new
from core.receive.folder import filing
from server.material import Material, trust_pem
from server.opened import Root
from server.places.place import Place, read_passphrase_file

_DATA: Final = "..data"
_LEFT: Final = re.compile(r"\.\.(data\.)?[0-9a-f]{16}")
_MODE: Final = re.compile(r"0[0-7]{3}")


class FilesPlace(Place, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A folder of files.

    Args:
        folder: Absolute path; it is made if the one above it is there.
        form: pem, der or pkcs12.
        root_in_chain: Whether chain.pem ends with the root; most engines want it without.
        plain_key: Leave private keys unencrypted.
        key_passphrase_file: Else the file with the passphrase that encrypts them.
        mode: Of all files, in octal, quoted; folders get the x that goes with each r.
        owner: `user` or `user:group` of all files and folders.
    """

    folder: str
    form: Literal["pem", "der", "pkcs12"] = "pem"
    root_in_chain: bool = False
    plain_key: bool = False
    key_passphrase_file: str | None = None
    mode: str = "0600"
    owner: str | None = None

    def faults(self) -> Mapping[str, str]:
        """See server.places.place."""
        found = dict(super().faults())
        if not self.folder.startswith("/"):
            found["folder"] = "must be an absolute path"
        if self.plain_key == (self.key_passphrase_file is not None):
            found["plain_key"] = "say how keys are kept: plain_key: true, or key_passphrase_file"
        elif self.form == "pkcs12" and self.plain_key:
            found["form"] = "pkcs12 needs key_passphrase_file"
        if not _MODE.fullmatch(self.mode):
            found["mode"] = 'must be four octal digits in quotes, such as "0640"'
        return found

    def spots(self) -> tuple[str, ...]:
        """See server.places.place."""
        return (os.path.normpath(self.folder),)

    def put(self, name: str, material: Material | None, roots: Sequence[Root]) -> None:  # noqa: ARG002
        """See server.places.place.

        Raises:
            PlaceError: The form cannot hold that key (E-PLACE).
            FileError: The system refused, or something else stands under a name (E-FILE).
        """
        folder = Path(self.folder)
        files = self._files(material, roots)
        with filing(f"Writing {folder}"):
            if not folder.is_dir():
                folder.mkdir()
                self._adorn(folder)
                fsync_folder(folder.parent)
            names = {path.split("/")[0] for path in files}
            for each in names:
                if os.path.lexists(folder / each) and not _is_ours(folder / each):
                    raise FileError(f"{folder / each} was not put there by PiSM; move it away")
            _sweep(folder)
            self._switch(folder, files)
            for each in sorted(names):
                _link(folder / each, f"{_DATA}/{each}")
            for path in folder.iterdir():
                if _is_ours(path) and path.name not in names:
                    path.unlink()
            _sweep(folder)
            fsync_folder(folder)

    def _files(self, material: Material | None, roots: Sequence[Root]) -> dict[str, bytes]:
        """Return all files by their paths."""
        files = {"trust.pem": trust_pem(roots)}
        for root in roots:
            files[f"trust/{root.id}.pem"] = trust_pem([root])
        passphrase = (
            None if self.key_passphrase_file is None else read_passphrase_file(self.key_passphrase_file)
        )
        if self.form == "pkcs12" and passphrase is not None:
            return files | _pkcs12(material, roots, passphrase)
        if material is None:
            return files
        form = Encoding.PEM if self.form == "pem" else Encoding.DER
        files[f"certificate.{self.form}"] = material.certificate.public_bytes(form)
        files[f"root.{self.form}"] = material.root.public_bytes(form)
        if self.form == "pem":
            files["chain.pem"] = material.chain_pem(with_root=self.root_in_chain)
        if material.key is not None:
            files[f"key.{self.form}"] = material.key_bytes(passphrase, form)
        return files

    def _switch(self, folder: Path, files: Mapping[str, bytes]) -> None:
        """Write the files into a new folder and move the link to it (rules 1 and 2)."""
        new = folder / f"..{secrets.token_hex(8)}"
        new.mkdir(mode=0o700)
        for name, data in files.items():
            target = new / name
            if not target.parent.is_dir():
                target.parent.mkdir(mode=0o700)
            write_new(target, data, int(self.mode, 8))
        for path in (*new.rglob("*"), new):
            self._adorn(path)
        for path in {(new / name).parent for name in files}:
            fsync_folder(path)
        fsync_folder(new)
        _link(folder / _DATA, new.name)
        fsync_folder(folder)

    def _adorn(self, path: Path) -> None:
        """Give a file or folder its mode and owner."""
        mode = int(self.mode, 8)
        if path.is_dir():
            path.chmod(mode | (mode & 0o444) >> 2 | 0o700)
        if self.owner is not None:
            user, _, group = self.owner.partition(":")
            try:
                shutil.chown(path, user, group or None)
            except LookupError as error:
                raise PlaceError(f"owner {self.owner}: {error}") from None


def _pkcs12(material: Material | None, roots: Sequence[Root], passphrase: bytes) -> dict[str, bytes]:
    """Return a truststore that Java takes, and the signer with its root as one file."""
    encryption = BestAvailableEncryption(passphrase)
    entries = [pkcs12.PKCS12Certificate(root.certificate, root.id.encode()) for root in roots]
    files = {"truststore.p12": pkcs12.serialize_java_truststore(entries, encryption)} if entries else {}
    if material is None:
        return files
    if material.key is None:
        raise PlaceError("a PKCS#12 file needs the private key, which the server made itself")
    name = f"{material.signer.target} {material.signer.period}".encode()
    try:
        files["signer.p12"] = pkcs12.serialize_key_and_certificates(
            name,
            material.key,  # type: ignore[arg-type]  # the library says which it cannot take
            material.certificate,
            [material.root],
            encryption,
        )
    except (TypeError, ValueError):
        raise PlaceError(f"a PKCS#12 file cannot hold a key of {material.signer.algorithm}") from None
    return files


def _is_ours(path: Path) -> bool:
    """Return whether a name is a link into the data folder."""
    return path.is_symlink() and path.readlink().parts[:1] == (_DATA,)


def _link(path: Path, goal: str) -> None:
    """Make a name a link to `goal`, in one step; nothing if it is one already."""
    if path.is_symlink() and str(path.readlink()) == goal:
        return
    part = path.with_name(f"{_DATA}.{secrets.token_hex(8)}")
    part.symlink_to(goal)
    part.replace(path)


def _sweep(folder: Path) -> None:
    """Remove what the link does not lead to: older folders, and what a killed process left."""
    data = folder / _DATA
    kept = data.readlink().name if data.is_symlink() else ""
    for path in folder.iterdir():
        if _LEFT.fullmatch(path.name) and path.name != kept:
            if path.is_symlink():
                path.unlink()
            else:
                shutil.rmtree(path)
