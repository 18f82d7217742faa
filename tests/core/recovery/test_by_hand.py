"""docs/recovery.md, run as it stands: age, tar and openssl, on an egress and on a backup."""

import re
import subprocess
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from cryptography.x509 import load_pem_x509_certificate

from core.archive.box_key import box_words, load_box_key
from core.crypto.recipients import fingerprint_words
from core.policy.settings import Backup, Egress
from tests.authority_store import export, make_store
from tests.builders import make_policy, utc

NOW = utc("2027-01-15T10:00")
PAGE = Path(__file__).parents[3] / "docs" / "recovery.md"
SECTION = re.compile(r"^## (\d)\. .*?(?=^## |\Z)", re.MULTILINE | re.DOTALL)
COMMANDS = re.compile(r"^```sh\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def read_commands() -> dict[str, str]:
    """Return the commands of the page by number of their section."""
    sections = {match[1]: match[0] for match in SECTION.finditer(PAGE.read_text())}
    return {number: "".join(COMMANDS.findall(text)) for number, text in sections.items()}


def make_identity(folder: Path) -> str:
    """Make an age identity with age-keygen and return its recipient."""
    subprocess.run(["age-keygen", "-o", folder / "identity.txt"], check=True, capture_output=True)
    done = subprocess.run(
        ["age-keygen", "-y", folder / "identity.txt"], check=True, capture_output=True, text=True
    )
    return done.stdout.strip()


def run_script(folder: Path, script: str) -> str:
    done = subprocess.run(
        ["sh", "-eu"], input=script, cwd=folder, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize(("kind", "sections"), [("egress", "123"), ("backup", "1234")])
def test_the_commands_of_the_page_lead_to_a_key_that_fits(tmp_path: Path, kind: str, sections: str) -> None:
    line = make_identity(tmp_path)
    policy = make_policy(
        egresses={"main": Egress(recipients=(line,))}, backups={"main": Backup(recipients=(line,))}
    )
    with make_store(tmp_path / "state", policy, NOW) as store:
        written, data = export(store, policy, kind, "main", NOW)
        words = box_words(load_box_key(store).public)
    (tmp_path / written.archive_name).write_bytes(data)
    commands = read_commands()
    said = run_script(tmp_path, "".join(commands[number] for number in sections))
    assert said.count("Signature Verified Successfully") == 2  # the box's, and a seal's
    (digest,) = re.findall(r"^([0-9a-f]{64})  -$", said, re.MULTILINE)
    assert fingerprint_words(bytes.fromhex(digest)) == words
    assert said.count("the key fits") == len(sections) - 2

    key = load_pem_private_key((tmp_path / "archive" / "key.pem").read_bytes(), None)
    (path,) = re.findall(r"the key fits (signers/\S+)", said)
    certificate = load_pem_x509_certificate((tmp_path / "archive" / path).read_bytes())
    assert key.public_key() == certificate.public_key()

    run_script(tmp_path, f"cd archive\n{commands['5']}")
    assert not (tmp_path / "archive").exists()
    assert not (tmp_path / "archive.tar").exists()


def test_an_egress_has_no_root_key_to_take(tmp_path: Path) -> None:
    line = make_identity(tmp_path)
    policy = make_policy(egresses={"main": Egress(recipients=(line,))})
    with make_store(tmp_path / "state", policy, NOW) as store:
        written, data = export(store, policy, "egress", "main", NOW)
    (tmp_path / written.archive_name).write_bytes(data)
    commands = read_commands()
    script = "".join(commands[number] for number in "1234")
    done = subprocess.run(
        ["sh", "-eu"], input=script.encode(), cwd=tmp_path, capture_output=True, check=False
    )
    assert done.returncode != 0
    taken = tmp_path / "archive" / "root-key.pem"  # an older openssl leaves an empty one
    assert not taken.exists() or not taken.read_bytes()
