"""What an archive is foreseen to be, against what it is."""

import io
from pathlib import Path

import pytest

from core.progress import report_nothing
from tests.authorities import NOW, Founded, found


@pytest.fixture(scope="module")
def founded(tmp_path_factory: pytest.TempPathFactory) -> Founded:
    return found(tmp_path_factory.mktemp("foreseen") / "state")


@pytest.mark.parametrize(("kind", "name"), [("egress", "main-kudo"), ("backup", "main-backup")])
@pytest.mark.parametrize("beside", ["public", "nothing"])
def test_size_and_papers_come_near(
    founded: Founded, tmp_path: Path, kind: str, name: str, beside: str
) -> None:
    public = beside == "public"
    with founded.copy(tmp_path / "copy").open() as authority:
        foreseen = authority.foresee_archive(kind, name, NOW, public=public)
        written = authority.write_archive(kind, name, io.BytesIO(), NOW, report_nothing, public=public)
    assert foreseen.papers == len(written.companions)
    assert abs(foreseen.size_bytes - written.size_bytes) < max(written.size_bytes / 10, 8192)
    papers_bytes = sum(len(each.data) for each in written.companions)
    assert abs(foreseen.papers_bytes - papers_bytes) < max(papers_bytes / 4, 20_000)
    assert written.sequence == 1  # foreseeing takes no number


@pytest.mark.parametrize(("kind", "name"), [("egress", "main-kudo"), ("backup", "main-backup")])
@pytest.mark.parametrize("algorithm", ["ed25519", "rsa3072", "mldsa65"])
def test_what_a_top_up_adds_is_foreseen(tmp_path: Path, kind: str, name: str, algorithm: str) -> None:
    with found(tmp_path / "state", top_up=False, algorithm=algorithm).open() as authority:
        before = authority.foresee_archive(kind, name, NOW, public=True, topped_up=True)
        authority.top_up(NOW, report_nothing)
        after = authority.foresee_archive(kind, name, NOW, public=True, topped_up=True)
        assert after == authority.foresee_archive(kind, name, NOW, public=True)
        written = authority.write_archive(kind, name, io.BytesIO(), NOW, report_nothing, public=True)
    assert abs(before.size_bytes - written.size_bytes) < max(written.size_bytes / 8, 16_000)
    assert len(written.companions) <= before.papers < len(written.companions) + 9
