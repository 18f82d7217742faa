"""Play the manual's scenarios on emulated boxes and write docs/pictures/*.png: `make pictures`.

Every screen that docs/operator.md shows is a snapshot of kiosk/scenarios/manual-*.txt. What can stand still,
does: the clock, the passphrase of a box that is set up already, the recipients' keys. Keys and words that the
box draws itself are new each time.
"""

import hashlib
import io
import json
import re
import shutil
import sys
import tempfile
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID
from PIL import Image, ImageOps

from core.authority.authority import Authority
from core.crypto.passphrase import canonical
from core.crypto.process import read_boot
from core.progress import report_nothing
from core.store.store import open_store
from hw.fat.mkfs import make_image
from hw.fat.volume import open_volume
from kiosk.emulator.box import EmulatedBox, Folders
from kiosk.emulator.folder import WORDS, fail_unlocks, found, lay_folder, lay_stick, shipped_text
from kiosk.emulator.scenario import Player, ScenarioError, parse_scenario
from kiosk.screens.reader import read_lines

PICTURES: Final = Path(__file__).with_name("pictures")
NOW: Final = datetime(2027, 1, 4, 9, 30, tzinfo=UTC)
AGE: Final = timedelta(days=12)
"""Of the backup that a lost box left."""
STICK_BYTES: Final = 64 * 1024 * 1024
SCALE: Final = 4
FRAME: Final = 3
"""Dark pixels around the lit ones, as a panel has them."""

RECIPIENTS: Final = {
    "main-kudo": "age1m8starcrptsx9klp394cu6krpdywtkdkfl7udjgye999g82r9sjqwerm3v",
    "backup-a": "age15husmt3zr73dmqsdgfuqqhnuhg5rvwuskdvp5tf2ecsxyycla46s98xv05",
    "backup-b": "age19vztp4u0jqznuwqcch848ed0jre6yacy2a2re3nqp904zkn5h4kq732qlc",
}
"""Public keys whose private halves were thrown away."""


def _new(_folders: Folders) -> None:
    """Nobody has set the box up."""


def _set_up(folders: Folders) -> None:
    found(folders, NOW)


def _refused(folders: Folders) -> None:
    found(folders, NOW)
    fail_unlocks(folders, 6, NOW)


def _changed(folders: Folders) -> None:
    """Change config.yaml behind the box's back, as somebody with a card reader would."""
    found(folders, NOW)
    folders.config.write_text(_other_policy(folders), encoding="utf-8")


def _brought(folders: Folders) -> None:
    """Lay two sticks ready that bring a policy; the first has a mistake."""
    found(folders, NOW)
    text = _other_policy(folders).replace("lock_after_s: 300", "lock_after_s: 240")
    keys = {f"keys/{name}.pub": f"{key}\n".encode() for name, key in RECIPIENTS.items()}
    bad = lay_stick(folders, "PISM-CONFIG", {"config.yaml": text.replace("quantum", "quantom", 1).encode()})
    bad.rename(folders.sticks / "BAD.img")
    lay_stick(folders, "PISM-CONFIG", keys | {"config.yaml": text.encode()})


def _backed_up(folders: Folders) -> None:
    """Make a backup, and lay a stick ready with the words of its drill."""
    found(folders, NOW)
    passphrase = canonical(" ".join(WORDS))
    authority = Authority.unlock(folders.state, passphrase, NOW, read_boot())
    with closing(authority), tempfile.TemporaryFile() as out:
        authority.top_up(NOW, report_nothing)
        authority.write_archive("backup", "main-backup", out, NOW, report_nothing, public=False)
    with open_store(folders.state, passphrase) as store:
        words = json.loads(store.fact("drills main-backup") or "{}")["1"]
    lay_stick(folders, "PISM-DRILL", {"pism-drill-main-backup-000001.txt": f"{words}\n".encode()})


def _topped_up(folders: Folders) -> None:
    """Top the box up by a clock that will turn out to have been ahead."""
    found(folders, NOW)
    with closing(Authority.unlock(folders.state, canonical(" ".join(WORDS)), NOW, read_boot())) as authority:
        authority.top_up(NOW, report_nothing)


def _requested(folders: Folders) -> None:
    """Give the policy a target that takes requests; lay a stick ready with one, and with a misnamed one."""
    text = folders.config.read_text(encoding="utf-8")
    redis = "      redis: {load: 1, quantum: 0.5}\n"
    if redis not in text:
        raise ValueError("config.yaml has no redis")
    folders.config.write_text(text.replace(redis, f"{redis}      gates: {{quantum: 0.5, own_key: true}}\n"))
    found(folders, NOW)
    names = {"services.gates.gate-7.csr": "gate 7", "visitor-8.csr": "gate 8"}
    lay_stick(folders, "PISM-EXPORT", {f"requests/{name}": _request(who) for name, who in names.items()})


def _request(common_name: str) -> bytes:
    """Return a signing request for a key that everybody may know."""
    key = Ed25519PrivateKey.from_private_bytes(hashlib.sha256(common_name.encode()).digest())
    names = ((NameOID.ORGANIZATION_NAME, "Visitors & Sons"), (NameOID.COMMON_NAME, common_name))
    subject = x509.Name([x509.NameAttribute(oid, text) for oid, text in names])
    builder = x509.CertificateSigningRequestBuilder().subject_name(subject)
    return builder.sign(key, None).public_bytes(Encoding.PEM)


def _other_policy(folders: Folders) -> str:
    """Return config.yaml with another load and another label."""
    text = folders.config.read_text(encoding="utf-8")
    for old, new in (
        (r"servers: {load: [0-9]+,", "servers: {load: 30,"),
        (r"^  PISM-ALL:", "  PISM-KUDO: [export main-kudo]\n  PISM-ALL:"),
    ):
        text, found_it = re.subn(old, new, text, flags=re.MULTILINE)
        if not found_it:
            raise ValueError(f"config.yaml has no {old}")
    return text


def _lost(folders: Folders) -> None:
    """Leave of an older, smaller box its backup and a key that opens it, on a stick."""
    text = shipped_text("config.yaml")
    for old, new in (
        ("load: 200", "load: 4"),
        ("load: 20,", "load: 2,"),
        ("lead_time: 5.0", "lead_time: 1.0"),
    ):
        text = text.replace(old, new)
    old_folders = lay_folder(folders.sticks.parent / "old", text)
    found(old_folders, NOW - AGE)
    authority = Authority.unlock(old_folders.state, canonical(" ".join(WORDS)), NOW - AGE, read_boot())
    authority.top_up(NOW - AGE, report_nothing)
    backup = io.BytesIO()
    written = authority.write_archive(
        "backup", "main-backup", backup, NOW - AGE, report_nothing, public=False
    )
    authority.close()
    image = folders.sticks / "PISM-RESCUE.img"
    make_image(image, "PISM-RESCUE", STICK_BYTES)
    with open_volume(image) as volume:
        volume.put_small(written.archive_name, backup.getvalue())
        volume.put_small(
            "backup-a.txt", (old_folders.config.parent / "receivers" / "backup-a.key").read_bytes()
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """A scenario and how its box begins."""

    name: str
    begin: Callable[[Folders], None] = _set_up


SCENES: Final = (
    Scene(name="manual-set-up", begin=_new),
    Scene(name="manual-unlock"),
    Scene(name="manual-wait", begin=_refused),
    Scene(name="manual-sticks"),
    Scene(name="manual-menu"),
    Scene(name="manual-seal"),
    Scene(name="manual-clock"),
    Scene(name="manual-policy", begin=_changed),
    Scene(name="manual-rescue", begin=_lost),
    Scene(name="manual-policy-stick", begin=_brought),
    Scene(name="manual-drill", begin=_backed_up),
    Scene(name="manual-clock-ahead", begin=_topped_up),
    Scene(name="manual-requests", begin=_requested),
)


class Studio(EmulatedBox):
    """An emulated box whose snapshots are for print: the panel, enlarged, in a thin dark frame."""

    def __init__(self, folders: Folders) -> None:
        super().__init__(folders, instant=NOW)
        self._pictures = folders.pictures

    def snapshot(self, name: str) -> None:
        """Keep the picture as NAME.png."""
        self._pictures.mkdir(parents=True, exist_ok=True)
        framed = ImageOps.expand(self.picture(), FRAME)
        large = framed.resize((framed.width * SCALE, framed.height * SCALE), Image.Resampling.NEAREST)
        large.save(self._pictures / f"{name}.png", optimize=True)


def play(scene: Scene, folder: Path, config: str | None = None) -> Path:
    """Play a scene; return the folder of its pictures.

    Args:
        scene: Which.
        folder: Absolute; empty or missing.
        config: Text of config.yaml; None: the shipped one.

    Raises:
        ScenarioError: A step did not come true; the text says what the panel showed then.
    """
    folders = lay_folder(folder, config)
    for name, key in RECIPIENTS.items():
        (folder / "keys" / f"{name}.pub").write_text(f"{key}\n", encoding="ascii")
    scene.begin(folders)
    with Studio(folders) as box:
        try:
            Player(box).play(parse_scenario(shipped_text("scenarios", f"{scene.name}.txt")))
        except ScenarioError as error:
            shown = " / ".join(read_lines(box.picture()))
            raise ScenarioError(f"{scene.name}, {error}; the panel shows: {shown}") from error
    return folders.pictures


def main(names: list[str]) -> None:
    """Play the scenes of those names, or all of them."""
    for scene in SCENES:
        if names and scene.name not in names:
            continue
        sys.stdout.write(f"{scene.name}\n")
        with tempfile.TemporaryDirectory(prefix="pism-manual-") as folder:
            for picture in play(scene, Path(folder)).iterdir():
                shutil.copyfile(picture, PICTURES / picture.name)


if __name__ == "__main__":
    main(sys.argv[1:])
