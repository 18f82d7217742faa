"""The policy is what the operator approved: keys in full, canonical bytes, readable differences."""

import hashlib
import os
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.crypto.recipients import parse_recipient
from core.errors import (
    CaError,
    PolicyError,
    RecipientError,
    RecipientMissingError,
    RecipientMixedError,
    RecipientPrivateError,
)
from core.policy.config import load_config
from core.policy.policy import (
    MAX_POLICY_BYTES,
    Difference,
    KeyName,
    Policy,
    decode_policy,
    differences,
    encode_policy,
    list_recipients,
    pin,
    read_key_names,
    resolve_policy,
)
from core.policy.rules import Step, parse_step
from core.policy.settings import (
    Backup,
    Config,
    ConstrainedNames,
    Egress,
    NameConstraints,
    RootSettings,
    SignerSettings,
    Target,
    Urls,
)
from tests.builders import AGE_KEY, OTHER_AGE_KEY, make_policy
from tests.keys import HybridKey

SHIPPED = Path(__file__).parents[3] / "config.yaml"
SSH_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ22pxWQEoZHIbnpvTFXkuCTwi2zZGkOa8FzE9ag6Q0M"
PRIVATE = "AGE-SECRET-KEY-1QQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQ"


def config_with(recipients: tuple[str, ...]) -> Config:
    """Return the shipped config with these recipients of its egress, and inline ones of its backup."""
    config = load_config(SHIPPED)
    return msgspec.structs.replace(
        config,
        egresses={"main-kudo": Egress(recipients=recipients, targets=("services/*",))},
        backups={"main-backup": Backup(recipients=(OTHER_AGE_KEY,))},
    )


def test_recipients_are_replaced_by_their_canonical_lines(tmp_path: Path) -> None:
    (tmp_path / "keys").mkdir()
    (tmp_path / "keys/a.pub").write_text(f"# the server\n{AGE_KEY}\n", encoding="utf-8")
    policy, _ = resolve_policy(config_with(("keys/a.pub", f"{SSH_KEY} me@home")), tmp_path)
    assert policy.egresses["main-kudo"].recipients == (AGE_KEY, SSH_KEY)
    assert policy.egresses["main-kudo"].targets == ("services/*",)
    assert policy.backups["main-backup"].recipients == (OTHER_AGE_KEY,)
    assert not hasattr(policy, "hardware")
    assert decode_policy(encode_policy(policy)) == policy


@pytest.mark.parametrize("text", [PRIVATE, PRIVATE.lower(), "-----BEGIN PRIVATE KEY----- MC4C"])
def test_private_key_in_the_config_is_refused_and_not_shown(text: str, tmp_path: Path) -> None:
    with pytest.raises(RecipientPrivateError) as caught:
        resolve_policy(config_with((text,)), tmp_path)
    assert caught.value.code == "E-RECIPIENT-PRIVATE"
    assert "egresses.main-kudo.recipients[0]" in str(caught.value)
    assert "QQQQ" not in str(caught.value).upper()
    assert "MC4C" not in str(caught.value)


def test_private_key_in_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.pub").write_text(PRIVATE, encoding="utf-8")
    with pytest.raises(RecipientPrivateError, match=r"egresses\.main-kudo\.recipients\[0\]: .*a\.pub"):
        resolve_policy(config_with(("a.pub",)), tmp_path)


def test_a_key_file_that_is_not_there_is_missing_on_a_disk_and_on_a_stick(tmp_path: Path) -> None:
    for files in (tmp_path, {"other.pub": AGE_KEY.encode()}):
        with pytest.raises(RecipientMissingError, match=r"recipients\[0\]: there is no file \S*none\.pub"):
            resolve_policy(config_with(("none.pub",)), files)


@pytest.mark.parametrize("name", ["folder", "pipe", "large.pub", "garbage.pub", "x" * 300])
def test_recipient_that_is_no_readable_public_key_is_refused(name: str, tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "large.pub").write_bytes(b"#" * 100_000)
    (tmp_path / "garbage.pub").write_bytes(b"\xff\xfe garbage")
    with pytest.raises(RecipientError, match=r"egresses\.main-kudo\.recipients\[0\]") as caught:
        resolve_policy(config_with((name,)), tmp_path)
    assert caught.value.code == "E-RECIPIENT"


def test_one_key_twice_is_refused_even_under_two_names(tmp_path: Path) -> None:
    (tmp_path / "a.pub").write_text(AGE_KEY, encoding="utf-8")
    with pytest.raises(RecipientError, match=r"recipients\[1\] is the same key as .*recipients\[0\]"):
        resolve_policy(config_with(("a.pub", AGE_KEY)), tmp_path)


def test_post_quantum_keys_stand_alone_unless_the_policy_says_so(tmp_path: Path) -> None:
    strong = HybridKey().to_public()
    assert resolve_policy(config_with((strong, HybridKey().to_public())), tmp_path)
    mixed = config_with((strong, AGE_KEY))
    with pytest.raises(RecipientMixedError, match=r"egresses\.main-kudo\.recipients\[1\] \(age\)"):
        resolve_policy(mixed, tmp_path)
    egress = msgspec.structs.replace(mixed.egresses["main-kudo"], mixed_recipients=True)
    policy, _ = resolve_policy(msgspec.structs.replace(mixed, egresses={"main-kudo": egress}), tmp_path)
    assert decode_policy(encode_policy(policy)) == policy
    unsaid = msgspec.structs.replace(policy, egresses={"main-kudo": mixed.egresses["main-kudo"]})
    with pytest.raises(PolicyError, match=r"post-quantum keys, and others"):
        decode_policy(encode_policy(unsaid))


def test_a_policy_of_before_mixed_recipients_is_the_same_bytes_as_now(tmp_path: Path) -> None:
    config = config_with((AGE_KEY,))
    policy, _ = resolve_policy(config, tmp_path)
    assert b"mixed_recipients" not in encode_policy(policy)
    egress = msgspec.structs.replace(config.egresses["main-kudo"], mixed_recipients=False)
    said, _ = resolve_policy(msgspec.structs.replace(config, egresses={"main-kudo": egress}), tmp_path)
    assert said == policy


def test_a_key_that_is_long_is_shown_by_its_fingerprint(tmp_path: Path) -> None:
    key = HybridKey().to_public()
    old, _ = resolve_policy(config_with((AGE_KEY,)), tmp_path)
    new, _ = resolve_policy(config_with((key,)), tmp_path)
    fingerprint = parse_recipient(key, "k").fingerprint
    path = "egresses.main-kudo.recipients"
    assert differences(old, new) == (
        Difference(path=path, old=AGE_KEY, new=None),
        Difference(path=path, old=None, new=f"age-pq {fingerprint}"),
    )


class KeptFacts(dict[str, str]):
    """What a store keeps by name."""

    def fact(self, name: str) -> str | None:
        return self.get(name)

    def set_fact(self, name: str, value: str) -> None:
        self[name] = value


def test_a_key_is_called_by_its_file_and_by_its_comment_which_are_no_part_of_the_policy(
    tmp_path: Path,
) -> None:
    (tmp_path / "a.pub").write_text(f"{SSH_KEY}  root@kudo  of the  rack\n", encoding="utf-8")
    policy, names = resolve_policy(config_with(("a.pub",)), tmp_path)
    assert names == (
        KeyName(kind="egress", name="main-kudo", key=SSH_KEY, file="a.pub", comment="root@kudo of the rack"),
        KeyName(kind="backup", name="main-backup", key=OTHER_AGE_KEY, file="", comment=""),
    )
    inline, names = resolve_policy(config_with((f"{SSH_KEY} other",)), tmp_path)
    assert inline.sha256 == policy.sha256
    assert (names[0].file, names[0].comment) == ("", "other")


def test_a_long_path_is_called_by_its_end(tmp_path: Path) -> None:
    folder = tmp_path / ("x" * 200) / ("y" * 200)
    folder.mkdir(parents=True)
    (folder / "a.pub").write_text(AGE_KEY, encoding="utf-8")
    path = f"{'x' * 200}\\{'y' * 200}\\a.pub"
    _, names = resolve_policy(config_with((path,)), tmp_path)
    assert names[0].file == f"{'x' * 48}/{'y' * 200}/a.pub"


def test_names_of_keys_are_pinned_beside_the_policy_and_go_with_their_keys() -> None:
    facts = KeptFacts()
    two = make_policy(backups={"main-backup": Backup(recipients=(AGE_KEY, OTHER_AGE_KEY))})
    one = make_policy(backups={"main-backup": Backup(recipients=(OTHER_AGE_KEY,))})
    pin(facts, two)
    assert list(facts) == ["policy"], "a policy without names is pinned as it was by earlier releases"
    called = [
        KeyName(kind="backup", name="main-backup", key=key, file=file, comment="")
        for key, file in ((AGE_KEY, "a.pub"), (OTHER_AGE_KEY, "b.pub"))
    ]
    pin(facts, two, names=called)
    assert read_key_names(facts) == tuple(called)
    nameless = msgspec.structs.replace(called[1], file="")
    pin(facts, one, names=(nameless,))
    assert read_key_names(facts) == (called[1],), "it keeps what it was called before"
    pin(facts, two)
    listed = [one for one in list_recipients(two, read_key_names(facts), one) if one.kind == "backup"]
    assert [(key.file, key.number, key.count, key.is_new) for key in listed] == [
        ("", 1, 2, True),
        ("b.pub", 2, 2, False),
    ]


def test_names_of_keys_that_do_not_fit_their_format_are_refused() -> None:
    with pytest.raises(PolicyError, match="names of the policy's keys") as caught:
        read_key_names(KeptFacts(key_names='[{"kind": "egress"}]'))
    assert caught.value.code == "E-POLICY"


def test_without_a_pinned_policy_every_key_is_new() -> None:
    listed = list_recipients(make_policy(), (), None)
    assert listed
    assert all(key.is_new for key in listed)
    assert not any(key.is_new for key in list_recipients(make_policy(), (), make_policy()))


def test_policy_is_named_by_the_hash_of_its_canonical_bytes() -> None:
    policy = make_policy()
    data = encode_policy(policy)
    assert policy.sha256 == hashlib.sha256(data).hexdigest()
    assert data.startswith(b'{"algorithm":"ed25519","authority":{"city":null,')
    turned = make_policy(sticks=dict(reversed(policy.sticks.items())))
    assert encode_policy(turned) == data


def test_egress_carries_the_targets_that_its_globs_name() -> None:
    classes = {"a": {"x": Target(quantum=1.0), "y": Target(quantum=1.0)}, "b": {"x": Target(quantum=1.0)}}
    policy = make_policy(
        signers=SignerSettings(lead_time=0.5, classes=classes),
        egresses={
            "all": Egress(recipients=(AGE_KEY,)),
            "some": Egress(recipients=(AGE_KEY,), targets=("b/*", "?/x")),
        },
    )
    assert policy.egress_targets("all") == (("a", "x"), ("a", "y"), ("b", "x"))
    assert policy.egress_targets("some") == (("a", "x"), ("b", "x"))
    with pytest.raises(PolicyError, match="has no egress none; known are all, some") as caught:
        policy.egress_targets("none")
    assert caught.value.code == "E-POLICY"


def test_algorithm_of_a_target_is_its_own_or_the_authoritys() -> None:
    policy = make_policy()
    assert policy.algorithm_of(Target(quantum=1.0)) == "ed25519"
    assert policy.algorithm_of(Target(quantum=1.0, algorithm="p384")) == "p384"


def test_stick_names_its_steps_in_order() -> None:
    policy = make_policy()
    assert policy.steps("PISM-ALL") == (
        Step(verb="top-up"),
        Step(verb="export", name="main-kudo"),
        Step(verb="backup", name="main-backup"),
    )
    assert policy.steps("FOREIGN") == ()


@pytest.mark.parametrize(
    "text", ["", "topup", "export", "export ", "export A", "export a b", "top-up x", " top-up"]
)
def test_anything_else_is_no_step(text: str) -> None:
    assert parse_step(text) is None


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{}",
        b"[]",
        b"\xff",
        b"[" * 100_000,
        b" " * (MAX_POLICY_BYTES + 1),
        encode_policy(make_policy()) + b"\n",
        encode_policy(make_policy())[:-1],
        encode_policy(make_policy()).replace(b"90", b"90.5"),
        encode_policy(make_policy()).replace(b'"visit_every_days":90', b'"visit_every_days":0'),
        encode_policy(make_policy()).replace(b'"visit_every_days":90', b'"visit_every_days":90,"x":1'),
        encode_policy(make_policy()).replace(b'"spread_days":30', b'"spread_days":30,"spread_days":30'),
        encode_policy(make_policy()).replace(b'"quantum":1.0', b'"quantum":1'),
        encode_policy(make_policy(roots=RootSettings(quantum=0.7, lead_time=1.0))),
        encode_policy(make_policy(spread_days=3000)),
        encode_policy(make_policy(backups={"b": Backup(recipients=(AGE_KEY[:-1],))}, sticks={})),
        encode_policy(make_policy(backups={"b": Backup(recipients=(AGE_KEY.upper(),))}, sticks={})),
        encode_policy(make_policy(backups={"b": Backup(recipients=("/etc/passwd",))}, sticks={})),
        encode_policy(make_policy(backups={"b": Backup(recipients=(SSH_KEY + " me",))}, sticks={})),
    ],
)
def test_policy_that_breaks_any_rule_is_not_read_back(data: bytes) -> None:
    with pytest.raises(PolicyError) as caught:
        decode_policy(data)
    assert caught.value.code == "E-POLICY"


def test_differences_are_readable() -> None:
    old = make_policy()
    new = make_policy(
        visit_every_days=100,
        roots=RootSettings(quantum=0.25, lead_time=1.0),
        signers=SignerSettings(
            lead_time=0.5,
            classes={
                "services": {
                    "mongo": Target(quantum=0.25, own_key=True, extended_key_usage=("server_auth",))
                },
                "empty": {},
            },
        ),
        backups={"main-backup": Backup(recipients=(SSH_KEY, AGE_KEY))},
        sticks={"PISM-ALL": ("top-up",)},
        urls=Urls(crl="http://a.b/{root}"),
    )
    place = "signers.classes.services.mongo"
    assert differences(old, new) == (
        Difference(path="backups.main-backup.recipients", old=OTHER_AGE_KEY, new=None),
        Difference(path="backups.main-backup.recipients", old=None, new=SSH_KEY),
        Difference(path="backups.main-backup.recipients", old=None, new=AGE_KEY),
        Difference(path="roots.quantum", old="1", new="0.25"),
        Difference(path="signers.classes.empty", old=None, new="none"),
        Difference(path=f"{place}.extended_key_usage", old="none", new="server_auth"),
        Difference(path=f"{place}.own_key", old="no", new="yes"),
        Difference(path="sticks.PISM-ALL", old="top-up, export main-kudo, backup main-backup", new="top-up"),
        Difference(path="urls.crl", old=None, new="http://a.b/{root}"),
        Difference(path="visit_every_days", old="90", new="100"),
    )


def test_order_of_recipients_is_a_difference_too() -> None:
    old = make_policy(backups={"b": Backup(recipients=(AGE_KEY, SSH_KEY))})
    new = make_policy(backups={"b": Backup(recipients=(SSH_KEY, AGE_KEY))})
    assert differences(old, new) == (
        Difference(path="backups.b.recipients", old=f"{AGE_KEY}, {SSH_KEY}", new=f"{SSH_KEY}, {AGE_KEY}"),
    )


def test_egress_that_comes_shows_its_key() -> None:
    old = make_policy()
    new = make_policy(egresses={**old.egresses, "other": Egress(recipients=(SSH_KEY,))})
    assert differences(old, new) == (
        Difference(path="egresses.other.recipients", old=None, new=SSH_KEY),
        Difference(path="egresses.other.targets", old=None, new="*/*"),
    )


names = st.builds(ConstrainedNames, dns=st.sampled_from([(), ("a.b",), ("a.b", "c.d")]))
targets = st.builds(
    Target,
    load=st.integers(1, 3),
    quantum=st.sampled_from([0.25, 1.0]),
    algorithm=st.sampled_from([None, "p256"]),
    own_key=st.booleans(),
    name_constraints=st.none() | st.builds(NameConstraints, permitted=st.none() | names),
)
changes: st.SearchStrategy[dict[str, Any]] = st.fixed_dictionaries(
    {},
    optional={
        "visit_every_days": st.integers(1, 3),
        "urls": st.none() | st.builds(Urls, crl=st.none() | st.just("http://a.b/{root}")),
        "sticks": st.dictionaries(st.sampled_from(["A", "B"]), st.just(("top-up",))),
        "signers": st.builds(
            SignerSettings,
            lead_time=st.just(0.5),
            classes=st.dictionaries(
                st.sampled_from("ab"), st.dictionaries(st.sampled_from("xy"), targets), min_size=1
            ),
        ),
        "backups": st.dictionaries(
            st.sampled_from("bc"),
            st.builds(Backup, recipients=st.permutations([AGE_KEY, SSH_KEY, OTHER_AGE_KEY]).map(tuple)),
            min_size=1,
        ),
    },
)


@settings(max_examples=150, deadline=None)
@given(one=changes, two=changes)
def test_differences_are_empty_exactly_when_policies_are_equal(
    one: dict[str, Any], two: dict[str, Any]
) -> None:
    old, new = make_policy(**one), make_policy(**two)
    assert (differences(old, new) == ()) == (old == new) == (encode_policy(old) == encode_policy(new))
    assert differences(old, old) == ()


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_altered_policy_bytes_are_refused_or_another_valid_policy(data: st.DataObject) -> None:
    raw = bytearray(encode_policy(make_policy()))
    place = data.draw(st.integers(0, len(raw) - 1))
    raw[place] = data.draw(st.integers(0, 255))
    try:
        read: Policy | None = decode_policy(bytes(raw))
    except CaError:
        read = None
    assert read is None or encode_policy(read) == bytes(raw)
