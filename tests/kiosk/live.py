"""A small authority and a board of twins for tests of what drives the vault: set up once, then copied."""

import queue
import shutil
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from tempfile import mkdtemp
from typing import TYPE_CHECKING, Any, Self

from core.api import requests as rq
from core.authority.authority import Authority
from core.crypto.passphrase import canonical
from core.crypto.process import read_boot
from core.policy.config import load_config
from core.policy.policy import resolve_policy
from core.store.keyslots import KdfCost
from hw.board import Board, BoardSettings, Emulation, open_board
from hw.display.emulated import Panel, open_serial
from hw.display.oled import Oled
from kiosk.daemon.first_light import Wiring
from kiosk.entry.buffers import Entries, EntryFinished, EntryNews, Purpose
from kiosk.entry.words import fewest_keys
from kiosk.work.inspection import Inspected
from kiosk.work.session import start_vault
from kiosk.work.worker import Answer, News, Progressed, Worker
from tests.builders import AGE_KEY, OTHER_AGE_KEY

if TYPE_CHECKING:
    from collections.abc import Callable

    from hw.ports import Display

NOW = datetime(2027, 2, 1, 12, tzinfo=UTC)
WORDS = ("absurd", "amount", "bicycle", "canvas", "dolphin", "elegant", "flavor", "gadget")
OTHER_WORDS = ("kangaroo", "lemon", "machine", "nephew", "olympic", "pelican", "quantum", "ribbon")
PASSPHRASE = canonical(" ".join(WORDS))
OTHER_PASSPHRASE = canonical(" ".join(OTHER_WORDS))
WIRED = Wiring(driver="ssd1306", bus="i2c", port=1, address=0x3C, rotate=0)
STEPS = ("top-up", "export main-kudo", "backup main-backup")
CONFIG = f"""\
authority: {{name: Example Virtual Worlds, id: c5ce9b8a-3cf1-4b50-b62c-7979d7d0edd7, domain: worlds.example}}
algorithm: ed25519
visit_every_days: 60
spread_days: 10
drill_every_days: 180
crl: {{lifetime_days: 90}}
roots: {{quantum: 1, lead_time: 0.25}}
signers:
  lead_time: 0.25
  classes:
    services:
      mongo: {{load: 2, quantum: 0.25}}
egresses:
  main-kudo: {{recipients: [{AGE_KEY}]}}
backups:
  main-backup: {{recipients: [keys/backup.pub]}}
sticks:
  PISM-EXPORT: [top-up, export main-kudo]
  PISM-ALL: [top-up, export main-kudo, backup main-backup]
hardware:
  display: {{driver: ssd1306, bus: i2c, port: 1, address: 0x3c, rotate: 0}}
  keypad: {{rows: [5, 6, 13, 19], columns: [12, 16, 20, 21]}}
kiosk: {{lock_after_s: 300, dim_after_s: 60}}
"""


def lay_config(folder: Path, old: str = "", new: str = "") -> Path:
    """Write config.yaml and its recipient into a folder, with one text put for another."""
    assert old in CONFIG
    (folder / "keys").mkdir(exist_ok=True)
    (folder / "keys" / "backup.pub").write_text(OTHER_AGE_KEY + "\n")
    path = folder / "config.yaml"
    path.write_text(CONFIG.replace(old, new) if old else CONFIG)
    return path


_MONGO = "      mongo: {load: 2, quantum: 0.25}\n"
OWN_KEY = (_MONGO, f"{_MONGO}      gate: {{quantum: 0.25, own_key: true}}\n")
"""What makes a target services/gate of the config, which takes requests: two at first."""


@cache
def _template(*, topped_up: bool, own_key: bool, now: datetime) -> Path:
    folder = Path(mkdtemp(prefix="pism-live-"))
    for name in ("sticks", "spool", "own", "out"):
        (folder / name).mkdir()
    config = lay_config(folder, *(OWN_KEY if own_key else ()))
    policy, _ = resolve_policy(load_config(config), folder)
    authority = Authority.found(folder / "state", policy, PASSPHRASE, KdfCost(), now)
    if topped_up:
        authority.top_up(now, lambda *_: None)
    authority.close()
    return folder


def lay_authority(
    folder: Path, *, topped_up: bool = False, own_key: bool = False, now: datetime = NOW
) -> Path:
    """Put a founded authority with its folders (state, sticks, spool, own, out) into a folder."""
    shutil.copytree(_template(topped_up=topped_up, own_key=own_key, now=now), folder, dirs_exist_ok=True)
    return folder


def unlock(folder: Path, now: datetime = NOW) -> Authority:
    """Open the authority of a folder in this process."""
    return Authority.unlock(folder / "state", PASSPHRASE, now, read_boot())


def open_twins(folder: Path, **emulation: Any) -> Board:
    """Return a board of twins whose clock stands at NOW."""
    given: dict[str, Any] = {"sticks": folder / "sticks", "instant": NOW, "frozen": True} | emulation
    return open_board(BoardSettings(), Emulation(**given))


def make_entries(words: tuple[str, ...] = WORDS) -> Entries:
    """Return entries that propose these words."""
    from core.crypto.passphrase import estimate_bits

    return Entries(lambda: words, estimate_bits)


def type_words(entries: Entries, purpose: Purpose, words: tuple[str, ...] = WORDS) -> EntryNews | None:
    """Type words into a new entry, past its beginning, and # if they did not end it; return what came."""
    entries.start(purpose)
    now_s = 0.0
    news: EntryNews | None = None
    for key in (*"".join(map(fewest_keys, words)), "#"):
        if news == EntryFinished(begun=True):
            entries.resume(purpose)
        elif isinstance(news, EntryFinished):
            break
        now_s += 1
        news = entries.feed(key, now_s, down=True)
        entries.feed(key, now_s, down=False)
    return news


class PanelTwin:
    """A panel on an emulated bus, opened as it is wired."""

    def __init__(self) -> None:
        self.panel = Panel()
        self.wired: list[Wiring] = []

    def __call__(self, wiring: Wiring) -> "Display":
        self.wired.append(wiring)
        return Oled(controller=wiring.driver, open_serial=lambda: open_serial(self.panel, wiring.bus))


class Bench:
    """A worker on twins, with its answers in a queue; a context manager that ends it."""

    def __init__(self, folder: Path, *, refuse_swap: bool = False, **emulation: Any) -> None:
        self.folder = folder
        self.board = open_twins(folder, **emulation)
        assert self.board.twins is not None
        self.twins = self.board.twins
        self.entries = make_entries()
        self.seen: list[News] = []
        self._answers: queue.SimpleQueue[News] = queue.SimpleQueue()
        self._ticket = 0
        self.heard: Callable[[News], None] = lambda _event: None
        self.worker = Worker(
            self.board,
            lambda: start_vault(folder / "state", folder / "config.yaml"),
            spool=folder / "spool",
            own=folder / "own",
            refuse_swap=refuse_swap,
            post=self._post,
        )

    def __enter__(self) -> Self:
        self.board.sticks.start(lambda _event: None)
        return self

    def __exit__(self, *_error: object) -> None:
        self.worker.close()

    def _post(self, event: News) -> None:
        self.heard(event)
        self._answers.put(event)

    def answer(self) -> Any:
        """Return the next result, or the next news that are neither an answer, nor progress, nor a look."""
        while True:
            event = self._answers.get(timeout=60)
            self.seen.append(event)
            if isinstance(event, Answer):
                assert event.ticket == self._ticket
                return event.result
            if not isinstance(event, Progressed | Inspected):
                return event

    def order(self, request: Any) -> None:
        self._ticket += 1
        self.worker.submit(self._ticket, request)

    def do(self, request: Any) -> Any:
        self.order(request)
        return self.answer()

    def open(self) -> Any:
        self.worker.open_vault()
        return self.answer()

    @property
    def now(self) -> datetime:
        return self.board.clock.now()

    def unlock(self, passphrase: bytes = PASSPHRASE) -> Any:
        self.open()
        return self.do(rq.Unlock(passphrase=passphrase, now=self.now))

    def insert(self, label: str = "PISM-ALL", **faults: Any) -> Any:
        """Put a new stick in and return it."""
        from hw.sticks.emulated import Faults

        return self.twins.sticks.insert(self.twins.sticks.make(label), Faults(**faults))
