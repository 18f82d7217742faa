"""The static folder: names that the certificates promise, the newest list that verifies, dates of trust."""

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.x509.oid import AuthorityInformationAccessOID

from core.errors import ArchiveDamagedError, FileError
from server.opened import read_opened
from server.public import newest_crl, publish
from tests.archives import NOW, Box, make_box
from tests.server.makers import make_quarters, open_into


def with_addresses(end: str) -> Any:
    """Return what adds addresses that end so to a certificate."""

    def spoil(builder: x509.CertificateBuilder, extensions: Any) -> Any:
        crl = x509.UniformResourceIdentifier(f"http://pki.example/lists/{end}.crl")
        issuer = x509.UniformResourceIdentifier(f"http://pki.example/{end}.cer?x=1")
        point = x509.DistributionPoint(full_name=[crl], relative_name=None, reasons=None, crl_issuer=None)
        access = x509.AccessDescription(AuthorityInformationAccessOID.CA_ISSUERS, issuer)
        more = (x509.CRLDistributionPoints([point]), x509.AuthorityInformationAccess([access]))
        return builder, [*extensions, *((each, False) for each in more)]

    return spoil


def serve(folder: Path, box: Box, **options: Any) -> Path:
    """Open one archive more and publish."""
    publish(folder / "public", read_opened(open_into(folder / "out", box, **options)), NOW)
    return folder / "public"


def number_of(path: Path) -> int:
    crl = x509.load_der_x509_crl(path.read_bytes())
    return crl.extensions.get_extension_for_class(x509.CRLNumber).value.crl_number


def test_files_have_the_names_that_the_certificates_promise(tmp_path: Path) -> None:
    box = make_box()
    root = box.of("root")[0]
    end = f"ours-{root.record.id}"
    box.swap("signer", tail=30, spoil=with_addresses(end))
    public = serve(tmp_path, box)
    assert {path.name for path in public.iterdir()} == {f"{end}.crl", f"{end}.cer", "trust.pem", "trust.json"}
    assert x509.load_der_x509_certificate((public / f"{end}.cer").read_bytes()) == root.x509
    assert number_of(public / f"{end}.crl") == 1
    assert {path.stat().st_mode & 0o777 for path in public.iterdir()} == {0o644}


@pytest.mark.parametrize("end", ["same-for-all", "..", "%2e%2e", "trust"])
def test_a_name_that_two_roots_could_share_is_not_taken(tmp_path: Path, end: str) -> None:
    box = make_box()
    box.swap("signer", tail=30, spoil=with_addresses(end))
    id_ = box.of("root")[0].record.id
    names = {f"{id_}.crl", f"{id_}.crt", "trust.pem", "trust.json"}
    assert {path.name for path in serve(tmp_path, box).iterdir()} == names


def test_without_addresses_names_are_the_roots(tmp_path: Path) -> None:
    box = make_quarters()
    id_ = box.of("root")[0].record.id
    names = {f"{id_}.crl", f"{id_}.crt", "trust.pem", "trust.json"}
    assert {path.name for path in serve(tmp_path, box).iterdir()} == names


def test_dates_say_when_to_trust_and_when_to_remove(tmp_path: Path) -> None:
    box = make_quarters()
    root = box.of("root")[0]
    (entry,) = json.loads((serve(tmp_path, box) / "trust.json").read_text())["roots"]
    assert entry["sha256"] == root.record.sha256
    assert entry["trust_from"] == f"{root.record.not_before:%Y-%m-%dT%H:%M:%SZ}"
    assert entry["remove_after"] == f"{root.record.not_after:%Y-%m-%dT%H:%M:%SZ}"


def test_a_newer_list_takes_the_place_and_an_older_one_never_does(tmp_path: Path) -> None:
    box = make_quarters()
    name = f"{box.of('root')[0].record.id}.crl"
    public = serve(tmp_path, box)
    box.crl_number = 7
    serve(tmp_path, box, name="other", created=NOW + timedelta(hours=1))
    assert number_of(public / name) == 7
    served = (public / name).read_bytes()
    box.crl_number = 3
    (tmp_path / "elsewhere").mkdir()
    publish(public, read_opened(open_into(tmp_path / "elsewhere" / "out", box)), NOW)
    assert (public / name).read_bytes() == served


def test_a_served_list_that_does_not_verify_is_replaced(tmp_path: Path) -> None:
    box, other = make_quarters(), make_quarters()
    name = f"{box.of('root')[0].record.id}.crl"
    public = serve(tmp_path, box)
    other.crl_number = 9
    for garbage in (other.crl(other.of("root")[0]), b"", b"garbage"):
        (public / name).write_bytes(garbage)
        publish(public, read_opened(tmp_path / "out"), NOW)
        assert number_of(public / name) == 1


def test_a_list_that_was_changed_after_the_opening_is_refused(tmp_path: Path) -> None:
    box = make_quarters()
    public = serve(tmp_path, box)
    (crl,) = (tmp_path / "out").glob("main-kudo*/crls/*")
    crl.write_bytes(crl.read_bytes()[:-1] + b"x")
    opened = read_opened(tmp_path / "out")
    with pytest.raises(ArchiveDamagedError):
        newest_crl(opened, opened.roots[0])
    with pytest.raises(ArchiveDamagedError):
        publish(public, opened, NOW)
    assert number_of(public / f"{box.of('root')[0].record.id}.crl") == 1


def test_a_revoked_root_is_no_longer_trusted_and_what_it_promised_stays(tmp_path: Path) -> None:
    box = make_quarters()
    second = box.add(
        "root", start=box.of("root")[0].record.not_before, until=box.of("root")[0].record.issue_until
    )
    box.add("seal", second)
    public = serve(tmp_path, box)
    box.revoked.add(box.of("root")[0].record.id)
    box.crl_number += 1
    serve(tmp_path, box, name="other", created=NOW + timedelta(hours=1))
    assert (public / "trust.pem").read_bytes() == second.pem
    assert (public / f"{box.of('root')[0].record.id}.crt").exists()


def test_what_is_not_ours_stays_and_what_is_right_is_not_written_again(tmp_path: Path) -> None:
    box = make_quarters()
    public = serve(tmp_path, box)
    (public / "index.html").write_text("mine")
    before = {path.name: path.stat().st_mtime_ns for path in public.iterdir()}
    publish(public, read_opened(tmp_path / "out"), NOW)
    assert {path.name: path.stat().st_mtime_ns for path in public.iterdir()} == before


def test_a_folder_that_cannot_be_made_refuses(tmp_path: Path) -> None:
    opened = read_opened(open_into(tmp_path / "out", make_quarters()))
    with pytest.raises(FileError):
        publish(tmp_path / "no" / "where", opened, NOW)
