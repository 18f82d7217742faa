"""config.yaml is taken whole or refused, with file, line and key path."""

import os
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from core.errors import ConfigError, ConfigSyntaxError, FileError
from core.policy.config import load_config, parse_config
from core.policy.rules import faults
from core.policy.settings import NameConstraints, Target
from core.policy.yaml import show_path

SHIPPED = Path(__file__).parents[3] / "config.yaml"
TEXT = SHIPPED.read_text(encoding="utf-8")
MONGO = "mongo: {load: 1, quantum: 0.5}"
URLS = "drill_every_days: 180"


def edited(old: str, new: str) -> str:
    """Return the shipped config with one place changed."""
    assert TEXT.count(old) == 1, old
    return TEXT.replace(old, new)


def line_of(text: str, part: str) -> int:
    """Return the line on which `part` first stands."""
    return text[: text.index(part)].count("\n") + 1


def refused(text: str) -> tuple[str, str]:
    """Return code and text of the refusal."""
    with pytest.raises(ConfigError) as caught:
        parse_config(text.encode(), "config.yaml")
    return caught.value.code, str(caught.value)


def test_shipped_config_is_the_one_of_the_design() -> None:
    config = load_config(SHIPPED)
    assert config.authority.name == "Example Virtual Worlds"
    assert (config.authority.country, config.authority.state, config.authority.city) == (
        "US",
        "Colorado",
        "Boulder",
    )
    assert config.algorithm == "ed25519"
    assert (config.visit_every_days, config.spread_days, config.drill_every_days) == (90, 30, 180)
    assert config.crl.lifetime_days == 180
    assert (config.roots.quantum, config.roots.lead_time, config.signers.lead_time) == (1, 5, 0.5)
    assert [(name, target, settings.load) for name, target, settings in config.targets()] == [
        ("infrastructure", "avatars", 200),
        ("infrastructure", "servers", 20),
        ("services", "etcd", 1),
        ("services", "mongo", 1),
        ("services", "redis", 1),
    ]
    assert config.signers.classes["infrastructure"]["avatars"] == Target(
        load=200, quantum=0.25, path_length=1, leaf_lifetime_days=14
    )
    assert config.egresses["main-kudo"].recipients == ("keys/main-kudo.pub",)
    assert config.backups["main-backup"].recipients == ("keys/backup-a.pub", "keys/backup-b.pub")
    assert config.sticks["PISM-ALL"] == ("top-up", "export main-kudo", "backup main-backup")
    assert config.urls is None
    assert config.hardware.display.address == 0x3C
    assert config.hardware.keypad.rows == (5, 6, 13, 19)
    assert (config.kiosk.lock_after_s, config.kiosk.dim_after_s, config.kiosk.wipe_after) == (300, 60, None)


def test_everything_optional_may_be_set() -> None:
    target = (
        "mongo: {quantum: 2, algorithm: rsa3072, own_key: true,\n"
        "        extended_key_usage: [server_auth, client_auth],\n"
        "        name_constraints: {permitted: {dns: [worlds.example], ip: [10.0.0.0/8, 'fd00::/8'],\n"
        "          uri: [.worlds.example, host.worlds.example],\n"
        "          email: [a.b@worlds.example, .worlds.example]},\n"
        "          excluded: {dns: [evil.worlds.example]}}}"
    )
    urls = (
        "drill_every_days: 180\n"
        "urls: {crl: 'http://pki.worlds.example:8080/{root}.crl', issuer: 'ldap://10.0.0.1/{root}'}"
    )
    text = (
        edited(MONGO, target)
        .replace(URLS, urls)
        .replace("dim_after_s: 60", "dim_after_s: 60, wipe_after: 10")
    )
    text = text.replace(', targets: ["services/*", "infrastructure/*"]', "")
    config = parse_config(text.encode(), "config.yaml")
    mongo = config.signers.classes["services"]["mongo"]
    assert (mongo.load, mongo.path_length, mongo.leaf_lifetime_days) == (1, 0, 30)
    assert config.algorithm_of(mongo) == "rsa3072"
    assert isinstance(mongo.name_constraints, NameConstraints)
    assert config.urls is not None
    assert config.urls.crl == "http://pki.worlds.example:8080/{root}.crl"
    assert config.kiosk.wipe_after == 10
    assert config.egresses["main-kudo"].targets == ("*/*",)


def test_authority_needs_no_place() -> None:
    text = edited(",\n            country: US, state: Colorado, city: Boulder", "")
    assert parse_config(text.encode(), "config.yaml").authority.country is None


def bad_cases() -> Iterator[tuple[str, str, str, str]]:
    """Yield old text, new text, code and message of each case in bad_configs.txt."""
    lines = (Path(__file__).parent / "bad_configs.txt").read_text(encoding="utf-8").splitlines()
    cases = [line for line in lines if line and not line.startswith("#")]
    for old, new, says in zip(cases[::3], cases[1::3], cases[2::3], strict=True):
        code, _, message = says.removeprefix("says: ").partition(" ")
        yield old[6:].replace("\\n", "\n"), new[6:].replace("\\n", "\n"), code, message


@pytest.mark.parametrize(("old", "new", "code", "message"), tuple(bad_cases()))
def test_bad_settings_are_refused_with_their_place(old: str, new: str, code: str, message: str) -> None:
    found, text = refused(edited(old, new))
    assert found == code
    assert message in text
    assert text.startswith("config.yaml line ")


@pytest.mark.parametrize(
    ("old", "new", "key"),
    [
        ("load: 200", "load: 0", "load: 0"),
        ("load: 200", "lod: 200", "lod"),
        ("crl: {lifetime_days: 180}", "crl: {}", "crl:"),
        ("lead_time: 0.5", "lead_time: 0.3", "lead_time: 0.3"),
        ("PISM-ALL: [top-up, export main-kudo,", "PISM-ALL: [top-up,\n    export x,", "export x"),
        ("    services:\n", "    Services:\n", "Services:"),
        ("columns: [12,", "columns: [5,", "columns: [5,"),
        (MONGO, "mongo: {load: 1}", "mongo: {load: 1}"),
    ],
)
def test_refusal_names_the_line(old: str, new: str, key: str) -> None:
    text = edited(old, new)
    _, message = refused(text)
    assert message.startswith(f"config.yaml line {line_of(text, key)}, ")


@pytest.mark.parametrize("section", ["egresses", "backups"])
def test_one_egress_and_one_backup_is_the_least(section: str) -> None:
    start = TEXT.index(f"{section}:")
    end = TEXT.index("\n\n", start)
    code, message = refused(TEXT[:start] + f"{section}: {{}}" + TEXT[end:])
    assert code == "E-CONFIG-VALUE"
    assert f"{section}: must have at least 1 entry" in message


@pytest.mark.parametrize("classes", ["{}", "{services: {}}"])
def test_one_target_is_the_least(classes: str) -> None:
    start, end = TEXT.index("  classes:"), TEXT.index("egresses:")
    text = TEXT[:start] + f"  classes: {classes}\n" + TEXT[end:]
    assert "signers.classes: must have at least one class with a target" in refused(text)[1]


def test_readable_name_must_fit_a_subject_in_every_lane_and_period() -> None:
    name = "n" * 24
    text = edited(
        "    services:\n", f"    {name}:\n      {name}: {{quantum: 5, load: 10000}}\n    services:\n"
    )
    code, message = refused(text)
    assert code == "E-CONFIG-VALUE"
    assert (
        f"signers.classes.{name}.{name}: class and target make the name {name}/{name} 2000-2004/10000, 1 "
        in message
    )
    fitting = text.replace("quantum: 5, load: 10000", "quantum: 5, load: 9999")
    assert parse_config(fitting.encode(), "config.yaml").signers.classes[name][name].load == 9999


def test_more_signers_than_a_box_can_make_are_refused() -> None:
    text = edited("load: 200, quantum: 0.25", "load: 10000, quantum: 0.083").replace(
        "lead_time: 0.5", "lead_time: 5"
    )
    code, message = refused(text)
    assert code == "E-CONFIG-VALUE"
    assert "signers.classes: asks for " in message
    assert "at most 250000" in message


@pytest.mark.parametrize("text", ["", "# nothing\n", "- a\n", "just text\n"])
def test_file_that_is_no_mapping_is_refused(text: str) -> None:
    code, message = refused(text)
    assert code == "E-CONFIG-VALUE"
    assert message.startswith("config.yaml line 1: must be a mapping of keys to values")


def test_spi_display_takes_its_own_pins() -> None:
    spi = edited("bus: i2c, port: 1, address: 0x3c", "bus: spi, port: 0, address: 0")
    assert parse_config(spi.encode(), "x").hardware.display.address == 0
    assert "pin 24 belongs to the display already" in refused(spi.replace("rows: [5,", "rows: [24,"))[1]
    other = edited("port: 1, address", "port: 11, address")
    assert parse_config(other.encode(), "x").hardware.display.port == 11


def test_too_large_a_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    path.write_text(TEXT + "#" * 256 * 1024, encoding="utf-8")
    with pytest.raises(ConfigSyntaxError, match="is larger than 256 KiB"):
        load_config(path)


def test_file_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "none.yaml", tmp_path, tmp_path / "pipe"):
        with pytest.raises(FileError) as caught:
            load_config(path)
        assert caught.value.code == "E-FILE"


def test_error_names_the_file_as_given(tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    path.write_text(edited("load: 200", "load: 0"), encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        load_config(path)
    assert str(caught.value).startswith(f"{path} line {line_of(TEXT, 'load: 200')}, signers.classes.")


def test_optional_key_may_stand_without_a_value() -> None:
    text = edited("dim_after_s: 60", "dim_after_s: 60, wipe_after: ").replace(URLS, URLS + "\nurls: ~")
    config = parse_config(text.encode(), "config.yaml")
    assert (config.kiosk.wipe_after, config.urls) == (None, None)


def test_every_fault_is_found_in_the_order_of_the_file() -> None:
    config = load_config(SHIPPED)
    services = {"mongo": Target(quantum=0.3), "etcd": Target(quantum=1, load=1), "x_y": Target(quantum=0.7)}
    broken = msgspec.structs.replace(
        config,
        authority=msgspec.structs.replace(config.authority, country="us"),
        signers=msgspec.structs.replace(config.signers, classes={"services": services}),
    )
    assert [show_path(fault.path) for fault in faults(broken)] == [
        "authority.country",
        "signers.classes.services.mongo.quantum",
        "signers.classes.services.x_y",
        "signers.classes.services.x_y.quantum",
        "egresses.main-kudo.targets[1]",
    ]
