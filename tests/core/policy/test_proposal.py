"""A proposal: approved is what was shown, and nothing else."""

from pathlib import Path

import pyrage
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some

from core.errors import (
    CaError,
    ConfigError,
    ConfigKeyError,
    PolicyError,
    RecipientError,
    RecipientPrivateError,
)
from core.policy.policy import Difference
from core.policy.proposal import (
    MAX_BROUGHT_KEYS,
    approved_policy,
    mark_replaced,
    propose_brought,
    propose_policy,
    read_file_policy,
    render_difference,
)
from core.policy.yaml import MAX_BYTES

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


def test_only_the_swapped_key_is_new_and_has_its_files_name(config: Path) -> None:
    pinned, first = propose_policy(config)
    assert [item.is_new for item in first.recipients] == [True, True]
    (config.parent / "backup.pub").write_text(new_key())
    _, proposal = propose_policy(config, pinned)
    assert [(item.file, item.is_new) for item in proposal.recipients] == [
        ("kudo.pub", False),
        ("backup.pub", True),
    ]


def test_names_are_told_and_which_of_them_are_new(config: Path) -> None:
    pinned, first = propose_policy(config)
    assert first.names == first.new_names == ("services/mongo", "main-kudo", "main-backup")
    config.write_text(CONFIG.replace("mongo: {quantum: 0.25}", "mong0: {quantum: 0.25}"))
    assert propose_policy(config, pinned)[1].new_names == ("services/mong0",)


def test_approved_is_what_was_shown(config: Path) -> None:
    policy, proposal = propose_policy(config)
    assert approved_policy(config, proposal.policy_sha256) == (policy, proposal)


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


def brought_keys(config: Path) -> dict[str, bytes]:
    return {name: (config.parent / name).read_bytes() for name in ("kudo.pub", "backup.pub")}


def test_what_a_stick_brings_is_the_same_policy_as_from_a_file(config: Path) -> None:
    policy, _ = propose_policy(config)
    proposal = propose_policy(config, policy)[1]
    brought = propose_brought(config.read_bytes(), brought_keys(config), config, policy)
    assert brought == (policy, proposal)
    assert brought[1].authority == "Example Virtual Worlds"


def test_case_and_a_dot_before_a_path_do_not_matter_on_a_stick(config: Path) -> None:
    keys = {name.upper(): data for name, data in brought_keys(config).items()}
    text = CONFIG.replace("[kudo.pub]", "[./kudo.pub]").encode()
    assert propose_brought(text, keys, config)[0] == propose_policy(config)[0]


@pytest.mark.parametrize("path", ["keys/kudo.pub", "../kudo.pub", "/etc/passwd", "kudo.pub/x"])
def test_a_stick_reaches_no_file_but_its_own(config: Path, path: str) -> None:
    text = CONFIG.replace("[kudo.pub]", f"[{path}]").encode()
    with pytest.raises(RecipientError, match=r"egresses\.main-kudo\.recipients\[0\]: there is no file"):
        propose_brought(text, brought_keys(config), config)


def test_a_refusal_names_file_line_and_key_path(config: Path) -> None:
    with pytest.raises(ConfigKeyError, match=r"config\.yaml line 17, more: "):
        propose_brought(CONFIG.encode() + b"more: 1\n", brought_keys(config), config)


def test_a_private_key_on_a_stick_is_refused_and_not_shown(config: Path) -> None:
    secret = str(pyrage.x25519.Identity.generate())
    keys = brought_keys(config) | {"kudo.pub": secret.encode()}
    with pytest.raises(RecipientPrivateError) as refused:
        propose_brought(CONFIG.encode(), keys, config)
    assert secret not in str(refused.value)


def test_more_than_a_stick_may_bring_is_refused(config: Path) -> None:
    keys = brought_keys(config) | {f"keys/{n}.pub": b"" for n in range(MAX_BROUGHT_KEYS)}
    with pytest.raises(PolicyError, match="at most 100"):
        propose_brought(CONFIG.encode(), keys, config)
    with pytest.raises(ConfigError):
        propose_brought(b"#" * (MAX_BYTES + 1), brought_keys(config), config)


@pytest.mark.parametrize(
    ("old", "new", "untaken"),
    [
        ("rows: [5,", "rows: [4,", ("hardware",)),
        ("lock_after_s: 300", "lock_after_s: 301", ("kiosk",)),
        ("spread_days: 30", "spread_days: 29", ()),
    ],
)
def test_sections_of_the_box_stay_and_that_is_said(
    config: Path, old: str, new: str, untaken: tuple[str, ...]
) -> None:
    pinned, _ = propose_policy(config)
    _, proposal = propose_brought(CONFIG.replace(old, new).encode(), brought_keys(config), config, pinned)
    assert proposal.untaken == untaken
    assert bool(proposal.changes) is not bool(untaken)


def test_a_box_whose_own_file_is_bad_takes_a_policy_all_the_same(config: Path) -> None:
    text = config.read_bytes()
    config.write_text("nothing")
    assert propose_brought(text, brought_keys(config), config)[1].untaken == ()


def test_a_file_is_known_again_by_its_mark_whether_it_can_be_used_or_not(config: Path) -> None:
    policy, _ = propose_policy(config)
    assert read_file_policy(config, policy).changes == ()
    assert mark_replaced(config, policy) == ""
    marks = {read_file_policy(config).mark}
    for text in (CONFIG.replace("spread_days: 30", "spread_days: 29"), "nothing", CONFIG + "more: 1\n"):
        config.write_text(text)
        found = read_file_policy(config, policy)
        assert found == read_file_policy(config, policy)
        assert mark_replaced(config, policy) == found.mark
        assert found.changes
        marks.add(found.mark)
    assert len(marks) == 4


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(some.binary(max_size=40), some.integers(0, len(CONFIG)), some.integers(0, 40))
def test_bytes_that_were_altered_are_refused_or_taken_whole(
    config: Path, bytes_: bytes, at: int, gone: int
) -> None:
    data = CONFIG.encode()
    try:
        policy, proposal = propose_brought(
            data[:at] + bytes_ + data[at + gone :], brought_keys(config), config
        )
    except CaError:
        return
    assert proposal.policy_sha256 == policy.sha256
