"""age in JavaScript, by the author of age, opens what PiSM encrypts to post-quantum keys, and the reverse."""

import io
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from core.crypto.age import decrypt_stream, encrypt_stream
from core.crypto.identities import load_identities
from core.crypto.recipients import parse_recipient

pytestmark = pytest.mark.judge
Age = Callable[..., bytes]
SIZES = (0, 1, 65_536, 500_000)


@pytest.fixture(scope="module")
def age(tmp_path_factory: pytest.TempPathFactory) -> Age:
    folder = tmp_path_factory.mktemp("age") / "judge"
    shutil.copytree(Path(__file__).parent / "judge_age", folder)
    done = subprocess.run(
        ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"],
        cwd=folder,
        check=False,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    if done.returncode and not os.environ.get("PISM_CI"):  # CI has a network, or says so
        pytest.skip(f"npm fetches nothing here: {done.stdout}")
    assert done.returncode == 0, done.stdout

    def run(*arguments: str | Path, data: bytes = b"") -> bytes:
        command = ["node", folder / "age.js", *arguments]
        return subprocess.run(command, input=data, check=True, capture_output=True).stdout

    return run


def public_key(identity: bytes) -> str:
    return identity.decode().splitlines()[0].removeprefix("# public key: ")


@pytest.mark.parametrize("size", SIZES)
def test_it_opens_what_pism_encrypts_to_its_keys(age: Age, tmp_path: Path, size: int) -> None:
    keys = [age("keygen") for _ in range(2)]
    data, out = os.urandom(size), io.BytesIO()
    encrypt_stream([data], out, [parse_recipient(public_key(key), "key") for key in keys])
    for key in keys:
        (tmp_path / "identity").write_bytes(key)
        assert age("decrypt", tmp_path / "identity", data=out.getvalue()) == data


@pytest.mark.parametrize("size", SIZES)
def test_pism_opens_what_it_encrypts(age: Age, size: int) -> None:
    keys = [age("keygen") for _ in range(2)]
    data = os.urandom(size)
    file = age("encrypt", *(public_key(key) for key in keys), data=data)
    for key in keys:
        out = io.BytesIO()
        decrypt_stream(io.BytesIO(file), load_identities(key), out, 1 << 20)
        assert out.getvalue() == data
