"""The agent: takes archives into its state folder, and keeps the right signer in each place.

    STATE/opened/         what was taken (core.receive.folder), for the newest archives only
    STATE/standing.json   what stands where (server.standing)
    STATE/refused.json    why the last archive was refused, if it was

Rules:
1. One agent at a time runs in STATE, which has mode 0700. Archives may be taken while it runs.
2. What a refused archive would have changed stays as it was: places hold what they held.
3. A place is filled, its hook run, and only then is that remembered. So what a power cut or a kill left half
   done is due at the next start, and done again whole.
4. Where a place refuses, the others are seen to all the same, and it is tried again.
5. Nothing is switched by a clock that cannot be right.

Time comes from the caller, and so does waiting.
"""

import fcntl
import hashlib
import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

import msgspec

from core.errors import CaError, FileError
from core.files import make_folder
from core.receive.folder import filing, is_tree, lock_folder
from core.receive.opening import Received, open_archive
from core.receive.seals import Confirm
from core.receive.trust import load_trust
from server.material import read_material
from server.opened import Opened, read_opened
from server.public import publish
from server.settings import PUBLIC, Settings
from server.standing import (
    Memory,
    Standing,
    load_memory,
    load_refused,
    refuse_again,
    save_memory,
    save_refused,
)
from server.turns import Wanted, check_clock, plan_turn

OPENED: Final = "opened"
LOOK_EVERY: Final = timedelta(seconds=30)
"""How long a new archive, a clock that was set or a wake-up from sleep stays unseen at most."""
_BELIEVE_EVERY: Final = timedelta(days=1)

Say = Callable[[str], None]


def take_archive(
    state: Path,
    source: Path,
    identities: Sequence[Any],
    trust: Sequence[Any],
    now: datetime,
    *,
    confirm: Confirm | None = None,
    accept_box: Sequence[str] | None = None,
) -> Received:
    """Check an archive as `pism open` does, file it, and drop the folders of those that it replaces.

    Args:
        state: The agent's folder; made if it is missing.
        source: The archive.
        identities: From core.crypto.identities.
        trust: Roots to believe beside those remembered.
        now: Aware UTC.
        confirm: Asked before a box is followed whose key is not pinned; None refuses it.
        accept_box: Words of the box to follow without being asked, 12 of them.

    Raises:
        CaError: As core.receive.opening.open_archive; all stays as it was.
    """
    if not state.exists():
        make_folder(state)
    out = state / OPENED
    if out.exists():  # a killed process may have left some
        _drop_older(out)
    try:
        received = open_archive(source, identities, trust, out, confirm, now, accept_box=accept_box)
    except CaError as error:
        save_refused(state, refuse_again(load_refused(state), error, now))
        raise
    save_refused(state, None)
    _drop_older(out)
    return received


def _drop_older(out: Path) -> None:
    """Remove the folders of archives that newer ones replaced."""
    with lock_folder(out):
        kept = {seen.folder for seen in load_trust(out).seen}
        with filing(f"Removing older archives in {out}"):
            for path in out.iterdir():
                if is_tree(path) and path.name not in kept:
                    shutil.rmtree(path)


@contextmanager
def hold_state(state: Path) -> Iterator[None]:
    """Hold a state folder against other agents.

    Raises:
        FileError: No folder, open to others, or another agent runs (E-FILE).
    """
    with filing(f"Opening the folder {state}"):
        handle = os.open(state, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        status = os.fstat(handle)
        if status.st_uid != os.geteuid() or status.st_mode & 0o077:
            raise FileError(f"{state} must belong to you alone: mode 0700")
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise FileError(f"another agent runs in {state}") from None
        yield
    finally:
        fcntl.flock(handle, fcntl.LOCK_UN)  # at once, also where a child is just being started
        os.close(handle)


def do_turn(state: Path, settings: Settings, now: datetime, say: Say) -> datetime:
    """See to every place that is due.

    Args:
        state: The agent's folder, held.
        settings: What stands where.
        now: Aware UTC.
        say: Told each change and each new refusal, in one line.

    Returns:
        When to look again; not later than LOOK_EVERY from now.

    Raises:
        FileError: What stands cannot be remembered (E-FILE).
    """
    memory = load_memory(state)
    latest = now + LOOK_EVERY
    try:
        opened = read_opened(state / OPENED)
        check_clock(now, opened.archives[-1].manifest.created, memory.believed)
    except CaError as error:
        if memory.refusal is None or memory.refusal.code != error.code:
            say(f"nothing is switched: {error.code}: {error}")
            refusal = refuse_again(memory.refusal, error, now)
            save_memory(state, msgspec.structs.replace(memory, refusal=refusal))
        return latest
    places = {name: place for _, name, place in settings.named()}
    turn = plan_turn(places, opened.signers, opened.roots, memory, now)
    memory = _believe(state, memory, now)
    for wanted in turn.due:
        standing = _fill(settings, wanted, opened, memory.of(wanted.place), now)
        _tell(standing, memory.of(wanted.place), wanted, say)
        memory = memory.with_standing(standing)
        save_memory(state, memory)
    if settings.public is not None:
        standing = _publish(Path(settings.public), opened, memory.of(PUBLIC), now, say)
        if standing != memory.of(PUBLIC):
            save_memory(state, memory.with_standing(standing))
    return min(latest, turn.next_look or latest)


def run(
    state: Path,
    read: Callable[[], Settings],
    *,
    now: Callable[[], datetime],
    wait: Callable[[float], bool],
    say: Say,
) -> None:
    """Keep all places as they should be, until told to stop.

    Args:
        state: The agent's folder.
        read: Gives the settings; asked at each turn, so that a change needs no restart.
        now: The clock.
        wait: Waits so many seconds at most; True ends the agent.
        say: See `do_turn`.

    Raises:
        FileError: Another agent runs there, or the folder cannot be used (E-FILE).
    """
    if not state.exists():
        make_folder(state)
    told = ""
    with hold_state(state):
        while True:
            began = now()
            try:
                look = do_turn(state, read(), began, say)
                told = ""
            except CaError as error:
                look = began + LOOK_EVERY
                if str(error) != told:
                    say(f"nothing is switched: {error.code}: {error}")
                    told = str(error)
            if wait(max(1.0, (look - began).total_seconds())):
                return


def _believe(state: Path, memory: Memory, now: datetime) -> Memory:
    """Remember that the clock was believed; once a day is enough."""
    fresh = memory.believed is not None and memory.believed <= now < memory.believed + _BELIEVE_EVERY
    if fresh and memory.refusal is None:
        return memory
    memory = msgspec.structs.replace(memory, believed=now, refusal=None)
    save_memory(state, memory)
    return memory


def _fill(settings: Settings, wanted: Wanted, opened: Opened, before: Standing, now: datetime) -> Standing:
    """Fill a place; return what stands there now."""
    place = settings.find(wanted.place)
    try:
        material = None
        if wanted.signer is not None:
            identities = settings.read_identities() if wanted.signer.has_key else ()
            material = read_material(opened, wanted.signer, identities, now)
        place.put(wanted.place, material, opened.trusted_roots(now))
        place.run_hook(wanted.place, material)
    except CaError as error:
        refusal = refuse_again(before.refusal, error, now, wanted.content_sha256)
        return msgspec.structs.replace(before, refusal=refusal)
    return Standing(
        place=wanted.place,
        signer=wanted.signer.id if wanted.signer else None,
        content_sha256=wanted.content_sha256,
        since=now,
    )


def _publish(folder: Path, opened: Opened, before: Standing, now: datetime, say: Say) -> Standing:
    """Bring the folder for a web server up to date, if an archive came or a root has expired."""
    content = (
        str(folder),
        [archive.folder.name for archive in opened.archives],
        [root.id for root in opened.trusted_roots(now)],
    )
    digest = hashlib.sha256(msgspec.json.encode(content)).hexdigest()
    if before.content_sha256 == digest and before.refusal is None:
        return before
    try:
        publish(folder, opened, now)
    except CaError as error:
        refusal = refuse_again(before.refusal, error, now)
        if refusal.tries == 1:
            say(f"{PUBLIC}: refused, {error.code}: {error}")
        return msgspec.structs.replace(before, refusal=refusal)
    say(f"{PUBLIC}: {folder} is up to date")
    return Standing(place=PUBLIC, content_sha256=digest, since=now)


def _tell(standing: Standing, before: Standing, wanted: Wanted, say: Say) -> None:
    if standing.refusal is not None:
        if before.refusal is None or before.refusal.code != standing.refusal.code:
            say(f"{wanted.place}: refused, {standing.refusal.code}: {standing.refusal.text}")
    elif wanted.signer is not None:
        signer = wanted.signer
        say(f"{wanted.place}: {signer.target} lane {signer.lane} {signer.period}, {signer.id}, stands")
    elif wanted.why_none is not None:
        say(f"{wanted.place}: no signer may stand, {wanted.why_none.code}: {wanted.why_none}")
