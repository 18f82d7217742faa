"""A proposal: approved is what was shown, and nothing else."""

from pathlib import Path

import pyrage
import pytest

from core.errors import ConfigError, PolicyError, RecipientError
from core.policy import Difference
from core.proposal import approved_policy, propose_policy, render_difference

CONFIG = """
authority: {name: Example Virtual Worlds, id: c5ce9b8a-3cf1-4b50-b62c-7979d7d0edd7, domain: worlds.example}
algorithm: ed25519
visit_every_days: 90
spread_days: 30
drill_every_days: 180
crl: {lifetime_days: 180}
roots: {quantum: 1, lead_time: 1.0}
signers: {lead_time: 0.5, classes: {services: {mongo: {quantum: 0.25}}}}
egresses: {main-kudo: {recipients: [kudo.pub]}}
backups: {main-backup: {recipients: [backup.pub]}}
sticks: {PISM-ALL: [top-up, export main-kudo, backup main-backup]}
hardware:
  display: {driver: ssd1306, bus: i2c, port: 1, address: 0x3c}
  keypad: {rows: [5, 6, 13, 19], columns: [12, 16, 20, 21]}
kiosk: {lock_after_s: 300, dim_after_s: 60}
"""


def new_key() -> str:
    return f"{pyrage.x25519.Identity.generate().to_public()}\n"


@pytest.fixture
def config(tmp_path: Path) -> Path:
    for name in ("kudo.pub", "backup.pub"):
        (tmp_path / name).write_text(new_key())
    (tmp_path / "config.yaml").write_text(CONFIG)
    return tmp_path / "config.yaml"


def test_what_is_shown_is_the_policy_with_the_keys_themselves(config: Path) -> None:
    policy, proposal = propose_policy(config)
    assert proposal.policy_sha256 == policy.sha256
    assert proposal.changes == ()
    shown = [item.key for item in proposal.recipients]
    assert shown == [(config.parent / name).read_text().strip() for name in ("kudo.pub", "backup.pub")]


def test_changes_are_shown_against_what_is_pinned(config: Path) -> None:
    pinned, _ = propose_policy(config)
    assert propose_policy(config, pinned)[1].changes == ()
    config.write_text(CONFIG.replace("visit_every_days: 90", "visit_every_days: 60"))
    assert propose_policy(config, pinned)[1].changes == ("visit_every_days: 90 -> 60",)


def test_a_key_that_was_swapped_in_its_file_is_a_change(config: Path) -> None:
    pinned, _ = propose_policy(config)
    (config.parent / "backup.pub").write_text(new_key())
    changes = propose_policy(config, pinned)[1].changes
    assert changes
    assert all(change.startswith("backups.main-backup.recipients") for change in changes)


def test_approved_is_what_was_shown(config: Path) -> None:
    policy, proposal = propose_policy(config)
    assert approved_policy(config, proposal.policy_sha256) == policy


@pytest.mark.parametrize("name", ["config.yaml", "kudo.pub"])
def test_what_changed_after_it_was_shown_is_not_approved(config: Path, name: str) -> None:
    _, proposal = propose_policy(config)
    new = new_key() if name == "kudo.pub" else CONFIG.replace("spread_days: 30", "spread_days: 29")
    (config.parent / name).write_text(new)
    with pytest.raises(PolicyError, match="after it was shown"):
        approved_policy(config, proposal.policy_sha256)


def test_a_config_or_a_recipient_that_cannot_be_used_is_refused(config: Path) -> None:
    (config.parent / "kudo.pub").write_text("garbage\n")
    with pytest.raises(RecipientError):
        propose_policy(config)
    config.write_text(CONFIG + "more: 1\n")
    with pytest.raises(ConfigError):
        propose_policy(config)


def test_a_difference_is_one_line() -> None:
    lines = [
        render_difference(Difference(path="a.b", old=old, new=new))
        for old, new in (("1", "2"), (None, "2"), ("1", None))
    ]
    assert lines == ["a.b: 1 -> 2", "a.b: - -> 2", "a.b: 1 -> -"]
