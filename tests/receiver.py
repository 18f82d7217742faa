"""A receiver for tests: a server with a folder, to which archives are handed as bytes."""

from pathlib import Path
from typing import Any

import pytest

from core.errors import CaError
from core.receive.opening import Received, open_archive, verify_archive
from tests.archives import NOW, Box


class Receiver:
    """A server with its folder; archives are handed to it as bytes."""

    def __init__(self, folder: Path, box: Box) -> None:
        self.folder = folder
        self.out = folder / "out"
        self.box = box
        self.file = folder / "a.tar.age"

    def open(
        self, data: bytes, *, confirm: Any = lambda _: True, trust: Any = (), **options: Any
    ) -> Received:
        self.file.write_bytes(data)
        given: dict[str, Any] = {"now": NOW, "out": self.out} | options
        return open_archive(self.file, [self.box.identity], tuple(trust), confirm=confirm, **given)

    def verify(self, data: bytes, *, trust: Any = None, now: Any = NOW, **options: Any) -> Received:
        self.file.write_bytes(data)
        roots = [self.box.of("root")[0].x509] if trust is None else trust
        return verify_archive(self.file, [self.box.identity], roots, now, **options)

    def refusal(self, data: bytes, **options: Any) -> tuple[str, str]:
        """Both ways must refuse with one code; a folder that was not there must not be there after."""
        with pytest.raises(CaError) as verified:
            self.verify(data)
        before = sorted(self.folder.rglob("*"))
        with pytest.raises(CaError) as caught:
            self.open(data, **options)
        assert sorted(self.folder.rglob("*")) == before
        assert caught.value.code == verified.value.code
        return caught.value.code, str(caught.value)

    def refused_open(self, data: bytes, **options: Any) -> str:
        self.file.write_bytes(data)
        memory = (self.out / "receiver.json").read_bytes() if self.out.exists() else b""
        before = sorted(self.folder.rglob("*"))
        with pytest.raises(CaError) as caught:
            self.open(data, **options)
        assert sorted(self.folder.rglob("*")) == before
        assert memory == ((self.out / "receiver.json").read_bytes() if self.out.exists() else b"")
        return caught.value.code


def tree(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
