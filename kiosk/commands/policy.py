"""`pism plan` and `pism policy`: what the configuration asks for."""

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import msgspec

from hw.system.clock import SystemClock
from kiosk.commands.access import Access, access_options
from kiosk.commands.options import (
    config_option,
    example,
    json_option,
    passphrase_option,
    require_yes,
    say,
    show,
    show_json,
    tell_look_alike,
)
from kiosk.commands.recipients import comment_keys, describe_words, tell_keys

if TYPE_CHECKING:
    from core.certificate import Certificate
    from core.plan.gaps import Plan
    from core.policy.policy import Policy
    from core.policy.settings import Config

_box_config_option = click.option(
    "--box-config",
    type=click.Path(path_type=Path),
    default=Path("/etc/pism/config.yaml"),
    show_default=True,
    help="With approve: the configuration that the box itself finds; it is not proposed there again.",
)


class Instant(click.ParamType[datetime]):
    """A date, or an RFC 3339 instant, in UTC."""

    name = "time"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        """Return the aware UTC instant that `value` names; a date is its midnight."""
        if isinstance(value, datetime):
            return value
        try:
            instant = datetime.fromisoformat(str(value))
        except ValueError:
            self.fail(f"{value!r} is neither a date nor an RFC 3339 time", param, ctx)
        return (
            (instant if instant.tzinfo else instant.replace(tzinfo=UTC))
            .astimezone(UTC)
            .replace(microsecond=0)
        )


@click.command("plan", epilog=example("pism plan --config config.yaml --at 2027-06-01"))
@config_option
@click.option("--state", type=click.Path(path_type=Path), help="Plan on what this state has issued already.")
@click.option("--at", "at", type=Instant(), help="Plan as if it were this time; default: now.")
@passphrase_option
@json_option
def plan_command(
    config: Path, state: Path | None, at: datetime | None, passphrase_file: Path | None, *, as_json: bool
) -> None:
    """Show what a top-up would issue by --config.

    It issues nothing, and needs no state. Afterwards the public keys that --config names are read: what a box
    would refuse is refused here.
    """
    from core.plan.gaps import find_gaps
    from core.policy.config import load_config
    from core.policy.policy import resolve_policy

    policy = load_config(config)
    now = SystemClock().now()
    issued: tuple[Certificate, ...] = ()
    if state is not None:
        access = Access(state=state, passphrase_file=passphrase_file, confirm_date=None, now=now)
        with access.reading() as authority:
            issued = authority.certificates(alive_at=at or now)
    _show_plan(policy, find_gaps(policy, issued, at or now), at or now, as_json=as_json)
    resolve_policy(policy, config.absolute().parent)  # last: periods can be judged before there are keys


def _show_plan(policy: "Config", plan: "Plan", at: datetime, *, as_json: bool) -> None:
    from core.policy.proposal import list_names
    from core.policy.verifiers import warnings

    warned = tuple(warnings(policy))
    if as_json:
        requests = dict(plan.request_counts())
        show_json({"at": at, "gaps": plan.rows(), "requests": requests, "warnings": warned})
        return
    for path, count in plan.counts():
        spans = [gap for gap in plan.gaps if gap.path == path]
        first, last = min(gap.issue_from for gap in spans), max(gap.issue_until for gap in spans)
        show(f"{count:6d}  {path}  {first:%Y-%m-%d} to {last:%Y-%m-%d}")
    for path, count in plan.request_counts():
        show(f"{count:6d}  {path}  when signing requests for them come")
    tell_look_alike(list_names(policy))
    for warning in warned:
        say(f"warning: {warning}")
    show(f"{len(plan.gaps):6d}  certificates to issue at {at:%Y-%m-%d}")


@click.command(
    "policy",
    epilog=example(
        "pism policy show --state s >new.yaml",
        "pism policy diff --state s --config new.yaml",
        "pism policy approve --state s --config new.yaml",
        "pism policy confirm --state s",
    ),
)
@click.argument("act", type=click.Choice(["show", "diff", "approve", "confirm"]), default="diff")
@click.option("--exit-code", is_flag=True, help="With diff: exit with 1 if there are differences.")
@config_option
@_box_config_option
@access_options
@json_option
def policy_command(
    act: str, config: Path, box_config: Path, access: Access, *, exit_code: bool, as_json: bool
) -> None:
    """Show the pinned policy, compare --config, or approve it.

    diff says what --config would change; approve takes that, all or nothing. What show prints is a
    config.yaml, with the keys themselves as recipients, and what they are called above: it can be edited and
    proposed.

    Backup keys that approve brings get nothing yet: after a restart of this machine confirm takes them.

    A --config that is not the box's own takes the place of that file, as one from a stick does: the box
    proposes its own file again only when it changes.
    """
    from core.policy.policy import encode_policy
    from core.policy.proposal import key_names, propose_policy

    if act == "confirm":
        _confirm_keys(access)
        return
    with access.unlocked() if act == "approve" else access.reading() as authority:
        if act == "show":
            if as_json:
                show(encode_policy(authority.policy))
            else:
                show(_render(authority.policy, comment_keys(authority.recipients()), config))
            return
        policy, proposal = propose_policy(config.absolute(), authority.policy)
        if as_json:
            show_json({"policy_sha256": proposal.policy_sha256, "changes": proposal.changes})
        else:
            show("\n".join(proposal.changes) or f"{config} says what is pinned")
        if proposal.changes and (act == "approve" or not as_json):
            tell_keys(proposal.recipients)
            tell_look_alike(proposal.names, proposal.new_names)
        if act == "approve" and proposal.changes:
            if sys.stdin.isatty():
                require_yes("Approve all of this?")
            instead_of = _mark_replaced(config, box_config, policy)
            names = key_names(proposal)
            authority.approve_policy(policy, access.now, instead_of=instead_of, names=names)
            say("approved")
            if any(key.waits for key in authority.recipients()):
                say("new backup keys wait: after a restart of this machine, pism policy confirm")
    if exit_code and act == "diff" and proposal.changes:
        sys.exit(1)


def _confirm_keys(access: Access) -> None:
    """Let backup keys that waited get backups, once their words were shown."""
    with access.unlocked() as authority:
        waiting = [key for key in authority.recipients() if key.waits]
        if not waiting:
            show("no backup key waits")
            return
        keys = authority.to_confirm()
        for key in keys:
            say(describe_words(key))
        if keys and sys.stdin.isatty():
            require_yes("Are these keys really yours?")
        authority.confirm_recipients(
            [key.key for key in keys or waiting], access.now
        )  # E-PROBATION if too early
    show(f"confirmed {len({key.key for key in keys})} of {len({key.key for key in waiting})} backup keys")


def _render(policy: "Policy", keys: str, config: Path) -> str:
    """Return the policy as a config.yaml, with `keys` above; what is not pinned in it is that of `config`."""
    from core.policy.config import load_config, parse_config
    from core.policy.yaml import write_yaml
    from kiosk.emulator.folder import shipped_text

    if config.exists():
        box, whence = load_config(config), str(config)
    else:
        box, whence = parse_config(shipped_text("config.yaml").encode(), "config.yaml"), "an example"
    pinned = write_yaml(_without_unset(msgspec.to_builtins(policy)))
    own = write_yaml(_without_unset(msgspec.to_builtins({"hardware": box.hardware, "kiosk": box.kiosk})))
    head = "# The policy in force. Edit it, then: pism policy diff --config FILE, pism policy approve\n"
    return f"{head}{keys}{pinned}# Not pinned; from {whence}\n{own}".rstrip()


def _without_unset(value: Any) -> Any:
    """Return builtins without what nobody set."""
    if isinstance(value, dict):
        return {key: _without_unset(inner) for key, inner in value.items() if inner not in (None, [], ())}
    return value


def _mark_replaced(config: Path, box_config: Path, policy: "Policy") -> str:
    """Return the mark of the box's own file, where there is one and it is another."""
    from core.policy.proposal import mark_replaced

    if not box_config.exists() or config.resolve() == box_config.resolve():
        return ""
    return mark_replaced(box_config.absolute(), policy)
