"""One suite for all kinds of places: the rules of server.places.place."""

from pathlib import Path

import pytest

from server.material import Material, read_material
from server.opened import read_opened
from server.signers import choose
from tests.archives import NOW
from tests.server.makers import NEXT, TARGET, make_quarters, open_into
from tests.server.places.kit import KINDS, Kind, OpenbaoKind


@pytest.fixture(params=[*KINDS, pytest.param("openbao", marks=pytest.mark.judge)])
def kind(request: pytest.FixtureRequest, tmp_path: Path) -> Kind:
    if request.param in KINDS:
        return KINDS[request.param](tmp_path)
    return OpenbaoKind(tmp_path, request.getfixturevalue("openbao"))


@pytest.fixture
def materials(tmp_path: Path) -> tuple[Material, Material]:
    box = make_quarters()
    opened = read_opened(open_into(tmp_path / "out", box))
    first, second = (
        read_material(opened, choose(opened.signers, TARGET, 1, when), [box.identity], when)
        for when in (NOW, NEXT)
    )
    return first, second


def check(kind: Kind, material: Material) -> None:
    held = kind.read()
    assert held.certificate == material.certificate
    assert material.key is not None
    assert held.key == material.key.public_key()
    assert held.roots == {root.certificate for root in material.roots}


def test_it_holds_the_signer_its_key_and_the_roots(kind: Kind, materials: tuple[Material, Material]) -> None:
    kind.place.put("name", materials[0], materials[0].roots)
    check(kind, materials[0])


def test_the_next_one_takes_its_place_and_no_file_of_the_old_is_left(
    kind: Kind, materials: tuple[Material, Material]
) -> None:
    counts = []
    for material in materials:
        kind.place.put("name", material, material.roots)
        counts.append(sum(path.is_file() for path in (kind.folder / "place").rglob("*")))
    check(kind, materials[1])
    assert counts[0] == counts[1]


def test_twice_is_as_once(kind: Kind, materials: tuple[Material, Material]) -> None:
    for _ in range(2):
        kind.place.put("name", materials[0], materials[0].roots)
    check(kind, materials[0])


def test_none_takes_certificate_and_key_away_and_the_roots_stay(
    kind: Kind, materials: tuple[Material, Material]
) -> None:
    kind.place.put("name", None, materials[0].roots)
    assert kind.read().certificate is None
    kind.place.put("name", materials[0], materials[0].roots)
    kind.place.put("name", None, materials[0].roots)
    held = kind.read()
    assert (held.certificate, held.key) == (None, None)
    assert held.roots
    kind.place.put("name", materials[1], materials[1].roots)
    check(kind, materials[1])


def test_what_is_not_ours_is_left_alone(kind: Kind, materials: tuple[Material, Material]) -> None:
    (kind.folder / "place").mkdir(exist_ok=True)
    (kind.folder / "place" / "notes.txt").write_text("mine")
    for material in (materials[0], None):
        kind.place.put("name", material, materials[0].roots)
    assert (kind.folder / "place" / "notes.txt").read_text() == "mine"
