"""What every kind of place has: which signer it wants, and how it is told of a change.

A kind is a frozen struct of settings with the method `put`. Rules of `put`, held by one suite for all kinds:

1. It is given what shall stand from now on, a signer or none, and the roots to trust. Whoever reads the
   place sees the whole of the old or the whole of the new, never parts of both.
2. Done twice it is as done once; cut short at any step, the next call finishes it.
3. Given no signer it takes away certificate and key. The roots stay.
4. It never touches what it did not put there.
5. A place that refuses raises a CaError, and its text holds no secret.
"""

import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from msgspec import Struct

from core.errors import PlaceError
from core.files import read_bounded
from server.material import Material
from server.opened import Root

HOOK_TIMEOUT_S: Final = 60
_MAX_PASSPHRASE_BYTES: Final = 4096
_MAX_TOLD_CHARACTERS: Final = 200


class Place(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Settings that all kinds share.

    Args:
        target: `class/target` of config.yaml.
        lane: Which lane, from 1; needed where there are several and `lane_of` is not given.
        lane_of: A name of this server, which falls on one of the lanes.
        hook: Command and arguments, run without a shell after each change.
    """

    target: str
    lane: int | None = None
    lane_of: str | None = None
    hook: tuple[str, ...] = ()

    def faults(self) -> Mapping[str, str]:
        """Return what is wrong with values, by key; nothing if all is well."""
        found = {}
        if self.target.count("/") != 1:
            found["target"] = "must be CLASS/TARGET, such as services/etcd"
        if self.lane is not None and self.lane < 1:
            found["lane"] = "lanes count from 1"
        if self.lane is not None and self.lane_of is not None:
            found["lane_of"] = "stands beside lane: only one of them says which lane it is"
        return found

    def spots(self) -> tuple[str, ...]:
        """Return what this place has for itself alone: another one there would undo what it does."""
        return ()

    def put(self, name: str, material: Material | None, roots: Sequence[Root]) -> None:
        """Make a signer, or none, stand here (rules 1 to 5); the hook is the caller's.

        Args:
            name: Of the place in the settings.
            material: The signer; None: none may stand.
            roots: To trust now, those to come among them.

        Raises:
            CaError: The place refuses.
        """
        raise NotImplementedError

    def run_hook(self, name: str, material: Material | None) -> None:
        """Tell whoever reads the place that it changed.

        The command gets PISM_PLACE, PISM_SIGNER, PISM_PERIOD and PISM_LEAF_SECONDS, the last three empty
        where no signer stands.

        Raises:
            PlaceError: It cannot be run, fails, or takes more than HOOK_TIMEOUT_S seconds (E-PLACE).
        """
        if not self.hook:
            return
        signer = material.signer if material else None
        told = {
            "PISM_PLACE": name,
            "PISM_SIGNER": signer.id if signer else "",
            "PISM_PERIOD": signer.period if signer else "",
            "PISM_LEAF_SECONDS": str(int(signer.leaf_lifetime.total_seconds())) if signer else "",
        }
        try:
            done = subprocess.run(
                self.hook,
                env=os.environ | told,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                timeout=HOOK_TIMEOUT_S,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise PlaceError(f"the hook of {name} took more than {HOOK_TIMEOUT_S} seconds") from None
        except OSError as error:
            raise PlaceError(f"the hook of {name} cannot be run: {error.strerror}") from None
        if done.returncode:
            last = done.stderr.decode(errors="replace").strip().rpartition("\n")[2]
            why = f": {last[:_MAX_TOLD_CHARACTERS]}" if last.isprintable() and last else ""
            raise PlaceError(f"the hook of {name} ended with status {done.returncode}{why}")


def read_passphrase_file(file: str) -> bytes:
    """Return the passphrase in a file: all of it, less one line end.

    Raises:
        PlaceError: It is empty (E-PLACE).
        FileError: It cannot be read (E-FILE).
    """
    data = read_bounded(Path(file), _MAX_PASSPHRASE_BYTES)
    passphrase = data.removesuffix(b"\n").removesuffix(b"\r")
    if not passphrase:
        raise PlaceError(f"{file} is empty: it must hold a passphrase")
    return passphrase
