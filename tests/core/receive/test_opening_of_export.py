"""What the box itself exports, opened by the receiver and by the age and tar programs."""

import subprocess
from datetime import timedelta
from pathlib import Path

import pyrage

from core.policy.settings import Backup, Egress
from core.receive.opening import open_archive
from tests.archives import NOW
from tests.authority_store import export, make_store
from tests.builders import make_policy
from tests.receiver import tree


def test_the_receiver_opens_what_the_box_exports_visit_after_visit(tmp_path: Path) -> None:
    identity = pyrage.x25519.Identity.generate()
    (tmp_path / "key").write_text(f"{identity}\n")
    keys = (str(identity.to_public()),)
    policy = make_policy(
        egresses={"main-kudo": Egress(recipients=keys)}, backups={"main-backup": Backup(recipients=keys)}
    )
    archive, out = tmp_path / "a.tar.age", tmp_path / "out"
    visits = (("egress", "main-kudo"), ("backup", "main-backup"), ("egress", "main-kudo"))
    with make_store(tmp_path / "state", policy, NOW) as store:
        for hours, (kind, name) in enumerate(visits):
            now = NOW + timedelta(hours=hours)
            written, data = export(store, policy, kind, name, now)
            archive.write_bytes(data)
            # Only the very first one is asked about.
            confirm = (lambda _: True) if hours == 0 else None
            received = open_archive(archive, [identity], (), out, confirm, now)
            assert received.manifest_sha256 == written.manifest_sha256
            assert received.key_count == len(written.contents.key_ids)
            assert received.folder is not None
            assert received.folder.name + ".tar.age" == written.archive_name
            by_hand = tmp_path / str(hours)
            by_hand.mkdir()
            command = ["age", "-d", "-i", tmp_path / "key", "-o", by_hand / "a.tar", archive]
            subprocess.run(command, check=True, capture_output=True)
            subprocess.run(["tar", "xf", "a.tar"], check=True, cwd=by_hand)
            (by_hand / "a.tar").unlink()
            assert tree(by_hand) == tree(received.folder)
            assert all(
                (by_hand / path).read_bytes() == (received.folder / path).read_bytes()
                for path in tree(by_hand)
            )
    assert len(tree(out / "current" / "main-kudo")) < len(tree(out / "current" / "main-backup"))
