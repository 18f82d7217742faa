"""`pism init`, `top-up`, `revoke`, `passphrase`: the authority without a box."""

import sys
import time
from pathlib import Path
from typing import Final

import click

from hw.system.clock import SystemClock
from kiosk.commands.access import Access, access_options
from kiosk.commands.options import (
    config_option,
    example,
    json_option,
    passphrase_option,
    progress_bar,
    read_new_passphrase,
    require_yes,
    say,
    show,
    show_json,
    state_option,
    tell_late_roots,
    tell_look_alike,
    tell_recognition,
)
from kiosk.commands.recipients import tell_keys
from kiosk.text.counts import count

REASONS: Final = (  # what core.issue.crl takes, without what it loads
    "unspecified",
    "keyCompromise",
    "cACompromise",
    "affiliationChanged",
    "superseded",
    "cessationOfOperation",
    "privilegeWithdrawn",
)


@click.command("init", epilog=example("pism init --state s --config config.yaml"))
@state_option
@config_option
@passphrase_option
@json_option
def init_command(state: Path, config: Path, passphrase_file: Path | None, *, as_json: bool) -> None:
    """Found the authority: pin the policy of --config.

    It is kept under a new passphrase. Every recipient's fingerprint words are shown first, and the date
    that the clock says. On a terminal they must be confirmed; a script that calls this has read them
    before.
    """
    from core.authority.authority import Authority
    from core.authority.clock import require_possible_clock
    from core.crypto.process import harden_process
    from core.errors import StateExistsError
    from core.policy.proposal import key_names, propose_policy
    from core.store.keyslots import choose_cost
    from core.store.store import is_provisioned

    harden_process()
    if is_provisioned(state.absolute()):  # said before anything is asked
        raise StateExistsError(f"there is a state in {state} already")
    now = SystemClock().now()
    require_possible_clock(now)
    policy, proposal = propose_policy(config.absolute())
    tell_keys(proposal.recipients)
    tell_look_alike(proposal.names)
    say(f"it is founded under this date: {now:%Y-%m-%d %H:%M} UTC")
    if sys.stdin.isatty():
        require_yes("Do these words match those of the servers, and is it today?")
    passphrase = read_new_passphrase(passphrase_file)
    cost = choose_cost(time.perf_counter)
    names = key_names(proposal)
    Authority.found(state.absolute(), policy, passphrase, cost, now, names=names).close()
    tell_recognition(state.absolute(), passphrase)
    if as_json:
        show_json({"authority": policy.authority.name, "state": str(state), "policy_sha256": policy.sha256})
    else:
        show(f"{policy.authority.name} is founded in {state}; next: pism top-up")


@click.command("top-up", epilog=example("pism top-up --state s"))
@access_options
@json_option
def top_up_command(access: Access, *, as_json: bool) -> None:
    """Issue every root and signer that the policy asks for.

    What stands already is left alone; stopped by Ctrl-C, it goes on when it is run again.
    """
    with access.unlocked() as authority, progress_bar() as report:
        result = authority.top_up(access.now, report)
    if as_json:
        show_json(result)
        return
    show(f"issued {count(result.roots, 'root')} and {count(result.signers, 'signer')}")
    tell_late_roots(result.late_roots)
    show(f"next visit by {result.next_visit_by:%Y-%m-%d}")


@click.command("revoke", epilog=example("pism revoke 1f0e... --reason keyCompromise --state s"))
@click.argument("certificate")
@click.option(
    "--reason",
    required=True,
    type=click.Choice(REASONS, case_sensitive=False),
    help="A reason of RFC 5280 5.3.1, in any case of letters.",
)
@access_options
def revoke_command(certificate: str, reason: str, access: Access) -> None:
    """Revoke the root, signer or seal with the id CERTIFICATE.

    The next top-up fills the hole that it leaves. status --json has the ids.
    """
    with access.unlocked() as authority:
        authority.revoke(certificate, reason, access.now)
    show(f"revoked {certificate}; next: pism top-up, then export")


@click.command("passphrase", epilog=example("pism passphrase --state s", "pism passphrase --rekey --state s"))
@access_options
@click.option(
    "--new-passphrase-file",
    type=click.Path(path_type=Path, allow_dash=True),
    help="Read the new passphrase from this file, `-` for standard input; else it is asked for.",
)
@click.option("--rekey", is_flag=True, help="Then encrypt everything anew; wants as much space again.")
def passphrase_command(access: Access, new_passphrase_file: Path | None, *, rekey: bool) -> None:
    """Change the passphrase.

    The former passphrase still opens a copy that was made of the state before, and what stands in such a
    copy is under the same key as what follows. --rekey changes that key too. The new passphrase may be the
    old one; without --rekey nothing is changed then.
    """
    from core.crypto.process import read_boot
    from core.store.keyslots import choose_cost

    old = access.read_passphrase()
    with access.unlocked(old) as authority:
        new = read_new_passphrase(new_passphrase_file)
        cost = choose_cost(time.perf_counter)
        done = "the same passphrase" if new == old else "the passphrase is changed"
        if new != old:
            authority.change_passphrase(old, new, cost, access.now, read_boot())
        if rekey:
            say(f"{done}; next, everything is encrypted anew")
            with progress_bar() as report:
                authority.rekey(new, cost, access.now, read_boot(), report)
            done += ", everything is encrypted anew"
        elif new == old:
            done += ": nothing was changed"
        if rekey or new != old:
            tell_recognition(access.state, new)
    show(done)
