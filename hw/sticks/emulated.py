"""Emulated USB sockets: a stick is a FAT32 image file, and it can be told how to fail.

Rules: the same events, the same reading of labels and file systems (blkid, which udev itself uses), the
same media below. Images lie in one folder; they are in the socket only when they were put in.
"""

import itertools
import subprocess
import threading
from pathlib import Path

from hw.fat.mkfs import IMAGE_BYTES, make_image
from hw.fat.readback import Medium
from hw.ports import Post, Stick, StickGoneError, StickInserted, StickIoError, StickRemoved
from hw.sticks.emulated_flash import EmulatedMedium, Faults, FlashMedium, Socket
from hw.sticks.udev import read_stick

_WRITE_BITS = 0o222
_TIMEOUT_S = 20.0


class EmulatedSticks:
    """The twin of hw.sticks.sticks.

    Args:
        folder: Where images lie; None when `insert` is given paths only.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder
        self._post: Post | None = None
        self._lock = threading.Lock()
        self._in: dict[str, tuple[Stick, Socket]] = {}
        self._sequence = itertools.count(1)

    def start(self, post: Post) -> None:
        """Post what is in already, then every change."""
        with self._lock:
            self._post = post
            sticks = [stick for stick, _ in self._in.values()]
        for stick in sticks:
            post(StickInserted(stick))

    def close(self) -> None:
        """Stop posting."""
        self._post = None

    def open_medium(self, stick: Stick) -> Medium:
        """Claim a stick that is in.

        Raises:
            StickGoneError: That insertion is over.
            StickInUseError: Another has it open.
        """
        with self._lock:
            known = self._in.get(stick.identity)
        if known is None:
            raise StickGoneError(f"{stick.node} was pulled")
        _, socket = known
        return (FlashMedium if socket.faults.any else EmulatedMedium)(stick.node, socket)

    def images(self) -> tuple[Path, ...]:
        """Return the images of the folder, by name."""
        return tuple(sorted(self._folder.glob("*.img"))) if self._folder else ()

    def inserted(self) -> tuple[Stick, ...]:
        """Return the sticks that are in, first come first."""
        with self._lock:
            return tuple(stick for stick, _ in self._in.values())

    def make(self, label: str) -> Path:
        """Make a new image `<label>.img` in the folder, or `<label>-2.img` and so on.

        Args:
            label: 1 to 11 of A-Z, 0-9, `-` and `_`.

        Raises:
            StickNameError, StickFormatError, StickIoError: As hw.fat.mkfs.make_image.
        """
        if self._folder is None:
            raise StickIoError("there is no folder to make a stick in")
        taken = {image.name for image in self.images()}
        names = itertools.chain([f"{label}.img"], (f"{label}-{number}.img" for number in itertools.count(2)))
        path = self._folder / next(name for name in names if name not in taken)
        make_image(path, label, IMAGE_BYTES)
        return path

    def insert(self, image: Path, faults: Faults | None = None) -> Stick:
        """Put a stick in and post it.

        Args:
            image: Any file; what is no FAT32 is told as such.
            faults: How it fails.

        Returns:
            The stick, with an identity of its own for this insertion.

        Raises:
            StickIoError: There is no such file.
        """
        faults = faults or Faults()
        try:
            found = image.stat()
        except OSError as error:
            raise StickIoError(f"{image} cannot be put in: {error.strerror}") from error
        stick = read_stick(
            probe_image(image),
            node=image,
            identity=f"{next(self._sequence)}:{image}",
            size_bytes=found.st_size,
            read_only=faults.read_only or not found.st_mode & _WRITE_BITS,
        )
        socket = Socket(faults, lambda: self.pull(stick))
        with self._lock:
            self._in[stick.identity] = (stick, socket)
            post = self._post
        if post:
            post(StickInserted(stick))
        return stick

    def pull(self, stick: Stick | None = None) -> None:
        """Pull a stick, whatever is going on, and post it.

        Args:
            stick: None pulls all.
        """
        with self._lock:
            identities = list(self._in) if stick is None else [stick.identity]
            gone = [(identity, self._in.pop(identity)) for identity in identities if identity in self._in]
            post = self._post
        for identity, (_, socket) in gone:
            socket.out = True
            if post:
                post(StickRemoved(identity))


def probe_image(image: Path, probe: str = "blkid") -> dict[str, str]:
    """Return what udev would say of an image file: its ID_FS_ properties.

    Args:
        image: The file.
        probe: The program.

    Raises:
        StickIoError: blkid is not there.
    """
    command = [probe, "-p", "-o", "udev", str(image)]
    try:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_TIMEOUT_S,
            check=False,
            env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8"},
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise StickIoError(f"{image} cannot be looked at: {error}") from error
    lines = done.stdout.decode("utf-8", "replace").splitlines()
    return {key: value for key, _, value in (line.partition("=") for line in lines)}
