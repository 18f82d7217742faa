"""What the command line says of itself: help under headings, typing mistakes, versions, completion."""

import shutil
import subprocess
from importlib.metadata import version
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from core.issue.crl import REASONS
from kiosk.commands import authority
from kiosk.commands.cli import _COMMANDS, _HEADINGS, main
from kiosk.commands.shell import SHELLS, completion
from tests.kiosk.command import ROOT, run


def test_every_command_stands_under_one_heading_in_one_short_line() -> None:
    shown = run("--help").out
    assert sum(len(names) for names in _HEADINGS.values()) == len(_COMMANDS)
    context = click.Context(main)
    for heading in _HEADINGS:
        assert f"\n{heading}:\n" in shown
    for name in _COMMANDS:
        command = main.get_command(context, name)
        assert command is not None
        short = command.get_short_help_str(80)
        assert len(short) < 60
        assert "..." not in short
        assert shown.count(f"\n  {name} ") == 1


@pytest.mark.parametrize("group", ["stick", "server"])
def test_no_line_of_a_groups_help_is_cut(group: str) -> None:
    assert "..." not in run(group, "--help").out.partition("\nCommands:\n")[2]


def test_no_help_has_a_run_of_blanks_in_a_sentence() -> None:
    context = click.Context(main)
    for name in _COMMANDS:
        command = main.get_command(context, name)
        assert command is not None
        for one in (command, *getattr(command, "commands", {}).values()):
            for line in (one.help or "").splitlines():
                assert "  " not in line.strip(), name


def test_help_has_examples_that_are_commands() -> None:
    shown = run("export", "--help").out
    assert "Example:\n    pism export main-kudo --state s --to out\n" in shown
    for name in _COMMANDS:
        for line in run(name, "--help").out.splitlines():
            if line.startswith("    pism "):
                assert line.split()[1] == name


def test_every_command_that_a_person_runs_has_an_example() -> None:
    context = click.Context(main)
    commands = {name: main.get_command(context, name) for name in _COMMANDS}
    for group in ("stick", "server"):
        found = commands.pop(group)
        assert isinstance(found, click.Group)
        commands |= {f"{group} {name}": command for name, command in found.commands.items()}
    without = {name for name, command in commands.items() if not (command and command.epilog)}
    assert without == {"kiosk", "vault", "help", "version"}


@pytest.mark.parametrize(
    ("arguments", "same_as"),
    [
        (("help",), ("--help",)),
        (("help", "export"), ("export", "--help")),
        (("help", "stick", "format"), ("stick", "format", "--help")),
        (("version",), ("--version",)),
        (("-V",), ("--version",)),
        (("-h",), ("--help",)),
    ],
)
def test_help_and_version_are_found_by_whatever_name(
    arguments: tuple[str, ...], same_as: tuple[str, ...]
) -> None:
    ran = run(*arguments)
    assert (ran.status, ran.out) == (0, run(*same_as).out)


def test_the_version_is_that_of_the_package() -> None:
    assert run("version").out == f"pism, version {version('pism')}\n"


@pytest.mark.parametrize(
    ("arguments", "meant"),
    [(("statsu",), "status"), (("stick", "fromat"), "format"), (("help", "exprot"), "export")],
)
def test_a_typing_mistake_is_answered_with_what_is_like_it(arguments: tuple[str, ...], meant: str) -> None:
    ran = run(*arguments)
    assert (ran.status, ran.code) == (2, "E-USAGE")
    assert f"'{meant}'" in ran.err


@pytest.mark.parametrize("shell", SHELLS)
def test_the_completion_of_each_shell_is_printed(shell: str) -> None:
    ran = run("completion", shell)
    assert (ran.status, ran.out) == (0, f"{completion(main, shell)}\n")
    assert f"_PISM_COMPLETE={shell}_complete" in ran.out


def test_bash_takes_its_completion(tmp_path: Path) -> None:
    bash = shutil.which("bash")
    assert bash is not None
    file = tmp_path / "pism"
    file.write_text(completion(main, "bash"))
    subprocess.run([bash, "-n", file], check=True)


@pytest.mark.parametrize(
    ("words", "completes"),
    [
        ("pism exp", {"export"}),
        ("pism export ", {"main-kudo"}),
        ("pism backup ", {"main-backup"}),
        ("pism revoke x --reason KEYC", {"keycompromise"}),
        ("pism stick format x --label PISM-", {"PISM-EXPORT", "PISM-ALL", "PISM-CONFIG", "PISM-RESCUE"}),
    ],
)
def test_commands_names_reasons_and_labels_are_completed(words: str, completes: set[str]) -> None:
    environment = {
        "_PISM_COMPLETE": "bash_complete",
        "COMP_WORDS": words,
        "COMP_CWORD": str(words.count(" ")),
        "PISM_CONFIG": str(ROOT / "config.yaml"),
    }
    said = CliRunner(env=environment).invoke(main, prog_name="pism").stdout
    found = {line.partition(",")[2] for line in said.splitlines()}
    assert found >= completes
    assert len(found) < 8


def test_names_are_not_completed_from_a_file_that_cannot_be_used(tmp_path: Path) -> None:
    environment = {"_PISM_COMPLETE": "bash_complete", "COMP_WORDS": "pism export ", "COMP_CWORD": "2"}
    for content in (None, "nonsense: ["):
        file = tmp_path / "config.yaml"
        if content is not None:
            file.write_text(content)
        ran = CliRunner(env=environment | {"PISM_CONFIG": str(file)}).invoke(main, prog_name="pism")
        assert (ran.stdout.strip(), ran.stderr) == ("", "")


def test_the_reasons_of_a_revocation_are_those_that_a_list_can_give() -> None:
    assert (*REASONS,) == authority.REASONS
    assert "keyCompromise" in run("revoke", "--help").out
    ran = run("revoke", "x", "--reason", "stolen")
    assert (ran.status, ran.code) == (2, "E-USAGE")
    assert "'superseded'" in ran.err


def test_state_and_config_may_come_from_the_environment(tmp_path: Path) -> None:
    missing = CliRunner(env={"PISM_STATE": str(tmp_path / "s")}).invoke(
        main, ["status", "--passphrase-file", "-"], input="x"
    )
    assert f"there is no state in {tmp_path / 's'}" in missing.stderr
    planned = CliRunner(env={"PISM_CONFIG": str(tmp_path / "c.yaml")}).invoke(main, ["plan"])
    assert str(tmp_path / "c.yaml") in planned.stderr


def test_no_passphrase_comes_from_the_environment() -> None:
    context = click.Context(main)
    commands = [command for name in _COMMANDS if (command := main.get_command(context, name))]
    variables = {one.envvar for command in commands for one in command.params if one.envvar}
    assert variables == {"PISM_STATE", "PISM_CONFIG"}
