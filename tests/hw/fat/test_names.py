import pytest

from hw.errors import StickNameError
from hw.fat.names import (
    check_label,
    check_name,
    is_our_folder,
    is_our_part,
    outgoing_name,
    parse_path,
    part_name,
    same_name,
)

_BENT = (
    *("", ".", "..", "con", "NUL.txt", "com1", "Lpt9.x", " a", "a ", "a.", "x" * 256),
    *('a"b', "a*b", "a:b", "a<b", "a>b", "a?b", "a\\b", "a|b", "a[b", "b]", "a/b"),
    *("a\nb", "a\x7fb", "a\u200eb", chr(0xD800), chr(0x1F600)),
)


@pytest.mark.parametrize("name", _BENT)
def test_refuses_a_name_that_fat_or_a_pc_would_bend(name: str) -> None:
    with pytest.raises(StickNameError) as caught:
        check_name(name)
    assert caught.value.code == "E-STICK-NAME"


@pytest.mark.parametrize(
    "name", ["a", "roots.pem", "Hällo wörld.TXT", "x" * 255, "-x", ".hidden", "日本.txt", "const"]
)
def test_takes_a_name_that_every_system_shows(name: str) -> None:
    check_name(name)


@pytest.mark.parametrize("path", ["a/b/c", "/a", "a/", "../a", "a//b", "con/a"])
def test_refuses_a_path_that_is_not_one_folder_and_a_file(path: str) -> None:
    with pytest.raises(StickNameError):
        parse_path(path)


def test_a_path_is_a_folder_and_a_name() -> None:
    assert str(parse_path("public/roots.pem")) == "public/roots.pem"
    assert (parse_path("a").folder, parse_path("b/a").name) == ("", "a")


@pytest.mark.parametrize("label", ["", "pism", "PISM ALL", "PISM-EXPORT2", "-A", "Ä", "A\n"])
def test_refuses_a_label_that_not_every_system_shows_alike(label: str) -> None:
    with pytest.raises(StickNameError):
        check_label(label)


def test_takes_a_label_of_eleven_characters() -> None:
    check_label("PISM-EXPORT")


def test_case_does_not_make_a_second_name() -> None:
    assert same_name("Roots.PEM", "roots.pem")
    assert not same_name("roots.pem", "root.pem")


@pytest.mark.parametrize(
    ("name", "part"),
    [
        ("main-kudo-000001-20270101T000000Z.tar.age", f"pism{'-' * 32}.part"),
        ("roots.pem", "pism.prt"),
        ("readme", "pism.prt"),
        ("readme.TXT", "pism.PRT"),
        ("README.txt", "PISM.prt"),
        ("README.TXT", "pism-.part"),
        ("Readme.txt", "pism-.part"),
        ("readme.Txt", "pism-.part"),
        ("next-visit.ics", "pism-----.part"),
        ("notes.prt", "pism.prt"),
        ("notes.part", "pism-.part"),
    ],
)
def test_a_part_has_the_length_or_the_case_bits_of_its_name(name: str, part: str) -> None:
    assert part_name(name) == part


@pytest.mark.parametrize(
    ("name", "outgoing"),
    [
        ("roots.pem", "pism_.prt"),
        ("README.txt", "PISM_.prt"),
        ("next-visit.ics", "pism_____.part"),
    ],
)
def test_what_is_replaced_is_called_otherwise_than_what_is_written(name: str, outgoing: str) -> None:
    assert outgoing_name(name) == outgoing
    assert is_our_part("", outgoing)


@pytest.mark.parametrize(
    "name", ["pism.part", "PISM.PART", "pism---.part", "pism.prt", "Pism.prt", "pism_.prt"]
)
def test_no_file_can_be_called_as_its_own_part(name: str) -> None:
    with pytest.raises(StickNameError, match="is writing"):
        check_name(name)


@pytest.mark.parametrize("folder", ["", "public", "Public-main-kudo-000001-3fa41b9c", "photos"])
@pytest.mark.parametrize(
    "name",
    ["pism.part", "pism---------.part", "pism.prt", "PISM.prt", "pism.PRT", "PISM__~1.PAR", "PISM~12.PAR"],
)
def test_every_part_is_known_as_ours(folder: str, name: str) -> None:
    assert is_our_part(folder, name)


@pytest.mark.parametrize(
    ("folder", "name"),
    [
        ("", "main-kudo-000001-20270101T000000Z.tar.age.part"),
        ("", "pism-receipt-main-kudo-000001.json.part"),
        ("", "pism-receipt-main-kudo-000001.html.part"),
        ("", "next-visit.ics.part"),
        ("", "next-visit-main-kudo-000001.ics.part"),
        ("public", "roots.prt"),
        ("public", "README.prt"),
        ("public", "c5ce9b8a-3cf1-4b50-b62c-7979d7d0edd7.crl.part"),
    ],
)
def test_parts_of_the_first_release_are_known(folder: str, name: str) -> None:
    assert is_our_part(folder, name)


@pytest.mark.parametrize(
    ("folder", "name"),
    [
        ("", "thesis.part"),
        ("", "THESIS~1.PAR"),
        ("", "pism-notes~1.par"),
        ("", "roots.prt"),
        ("", "main-kudo-000001-20270101T000000Z.tar.age"),
        ("", "PISM-RECEIPT-main-kudo-000001.json.part"),
        ("public", "pism-receipt-main-kudo-000001.json.part"),
        ("photos", "roots.pem.part"),
    ],
)
def test_everything_else_is_the_operators(folder: str, name: str) -> None:
    assert not is_our_part(folder, name)


@pytest.mark.parametrize("name", ["", "public", "PUBLIC", "public-main-kudo-000001"])
def test_folders_that_a_job_writes_into_are_swept(name: str) -> None:
    assert is_our_folder(name)
    assert not is_our_folder("publications")
