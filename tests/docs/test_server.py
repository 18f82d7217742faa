"""docs/server.md, its commands run as they stand."""

import re
import subprocess
from pathlib import Path

import pytest

from core.archive.box_key import box_words, load_box_key
from core.policy.settings import Egress
from kiosk.text.messages import known_codes
from server.settings import Places, read_settings
from tests.authority_store import export, make_store
from tests.builders import make_policy
from tests.kiosk.command import ENVIRONMENT, ROOT
from tests.kiosk.command import START as NOW

PAGE = (ROOT / "docs" / "server.md").read_text(encoding="utf-8")
NAMED = "main-kudo-000001-20270115T100000Z.tar.age"


def commands(heading: str, mark: str = "##") -> str:
    """Return the commands of a section, up to the next heading."""
    section = PAGE.partition(f"\n{mark} {heading}\n")[2].partition("\n##")[0]
    found = "".join(re.findall(r"^```sh\n(.*?)^```$", section, re.MULTILINE | re.DOTALL))
    assert found
    return found


def run_script(folder: Path, script: str) -> str:
    """Run commands in a shell that finds `pism`, and `BOX` as the page says."""
    path = f"{ROOT / '.venv' / 'bin'}:{ENVIRONMENT['PATH']}"
    done = subprocess.run(
        ["sh", "-eu"],
        input=script,
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        env=ENVIRONMENT
        | {"PATH": path, "PYTHONPATH": str(ROOT), "BOX": (folder / "words-of-the-box").read_text()},
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture
def server(tmp_path: Path) -> Path:
    """A server's folder with the first archive of a box."""
    subprocess.run(["age-keygen", "-o", tmp_path / "identity.txt"], check=True, capture_output=True)
    asked = ["age-keygen", "-y", tmp_path / "identity.txt"]
    line = subprocess.run(asked, check=True, capture_output=True, text=True).stdout.strip()
    policy = make_policy(egresses={"main-kudo": Egress(recipients=(line,))})
    with make_store(tmp_path / "state", policy, NOW) as store:
        _, data = export(store, policy, "egress", "main-kudo", NOW)
        words = box_words(load_box_key(store).public)
    (tmp_path / "words-of-the-box").write_text(" ".join(words))
    (tmp_path / NAMED).write_bytes(data)
    (tmp_path / "passphrase.txt").write_text("words of its own\n")
    return tmp_path


def test_an_archive_leads_to_the_signer_of_the_day(server: Path) -> None:
    run_script(server, commands("Opening an archive"))
    said = run_script(server, commands("The signer of the day"))
    assert said.startswith("services/mongo lane 1")
    check = "openssl verify -CAfile mongo/trust.pem mongo/certificate.pem"
    assert run_script(server, check) == "mongo/certificate.pem: OK\n"
    opened = run_script(server, "openssl pkey -in mongo/key.pem -passin file:passphrase.txt -pubout")
    assert opened == run_script(server, "openssl x509 -in mongo/certificate.pem -noout -pubkey")


def test_the_agent_keeps_the_place_of_the_page(server: Path) -> None:
    section = PAGE.partition("\n## Keeping the signer in its place\n")[2]
    settings = re.findall(r"^```yaml\n(.*?)^```$", section, re.MULTILINE | re.DOTALL)[0]
    settings = settings.replace("/srv/mongo/pki", f"{server}/pki").replace(
        "systemctl, reload, mongod", "/bin/true"
    )
    (server / "server.yaml").write_text(settings)
    said = run_script(server, commands("Keeping the signer in its place"))
    assert "main-kudo 000001 is taken" in said
    assert "mongo: services/mongo lane 1" in said
    check = "openssl verify -CAfile pki/trust.pem pki/certificate.pem"
    assert run_script(server, check) == "pki/certificate.pem: OK\n"
    assert run_script(server, commands("How it stands", mark="###")).startswith("ok, ")
    assert "pism_status 0\n" in (server / "pism.prom").read_text()


def test_every_place_that_the_page_shows_is_read(tmp_path: Path) -> None:
    shown = re.findall(r"^```yaml\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    kinds = re.findall(r"^  ([a-z]+):$", "".join(shown), re.MULTILINE)
    assert {*kinds} == {*Places.__struct_fields__}
    for text in shown:
        whole = text if "identity:" in text else f"identity: identity.txt\n{text}"
        (tmp_path / "server.yaml").write_text(whole)
        assert len(list(read_settings(tmp_path / "server.yaml").named())) == 1


def test_every_code_that_the_page_names_exists() -> None:
    named = set(re.findall(r"`(E-[A-Z-]+)`", PAGE))
    assert named
    assert named <= known_codes()
