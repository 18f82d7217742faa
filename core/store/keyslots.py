"""keyslots.json: the master key of the store, wrapped under passphrases.

Rules:
1. A slot's key is Argon2id (RFC 9106) of the canonical passphrase over 16 random bytes of salt; it wraps
   the master key with ChaCha20-Poly1305 (RFC 8439), and all of the slot's parameters are associated data.
2. A slot costs at least 64 MiB and 3 passes. Less is refused when made and when read; so is more than
   256 MiB or 512 passes over it, before any memory is taken: minutes on the smallest board, not days.
3. The file is canonical JSON in one form only, with a check sum: an accident is told from a wrong
   passphrase. (Whoever alters it on purpose gains a passphrase that does not fit.)
4. Several slots may stand side by side. While a store is re-encrypted two hold the old key and the new one.
5. Two recognition words follow from the first slot's salt, which is on this card alone, and a passphrase's
   beginning, at a slot's cost: a box that shows them is this one (docs/threat-model.md says what they cost).

Which key fits the database is the store's to find out. Keys pass through as bytes and are not kept.
"""

import hashlib
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Literal

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

from core.crypto.recipients import fingerprint_words
from core.decoding import json_decoder
from core.errors import PassphraseWrongError, StateDamagedError
from core.store.folder import MAX_KEYSLOTS_BYTES

KEY_BYTES = 32
MAX_SLOTS = 4
RECOGNITION_WORDS: Final = 2
_FORMAT: Final = "pism-keyslots-v1"
_RECOGNITION: Final = b"pism-recognition-v1"
_FLOOR_MEMORY_KIB, _FLOOR_PASSES = 64 * 1024, 3
_MAX_MEMORY_KIB, _MAX_PASSES, _MAX_LANES = 256 * 1024, 512, 16  # the smallest board has 512 MB
_SALT_BYTES, _NONCE_BYTES, _TAG_BYTES = 16, 12, 16
# What choose_cost takes at most: the smallest board has 512 MB, and memory is locked. Passes do the rest.
_CHOSEN_MEMORY_KIB = 128 * 1024
_CHOSEN_LANES = 4  # RFC 9106, section 4


@dataclass(frozen=True, slots=True, kw_only=True)
class KdfCost:
    """What one guess at a passphrase costs.

    Args:
        memory_kib: Memory in KiB, 65,536 to 262,144.
        passes: Passes over it, 3 to 512.
        lanes: Threads, 1 to 16.
    """

    memory_kib: int = _FLOOR_MEMORY_KIB
    passes: int = _FLOOR_PASSES
    lanes: int = _CHOSEN_LANES

    def __post_init__(self) -> None:
        if not (
            _FLOOR_MEMORY_KIB <= self.memory_kib <= _MAX_MEMORY_KIB
            and _FLOOR_PASSES <= self.passes <= _MAX_PASSES
            and 1 <= self.lanes <= _MAX_LANES
        ):
            raise ValueError(
                f"a cost of {self.memory_kib} KiB, {self.passes} passes, {self.lanes} lanes is refused"
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenSlot:
    """A slot that the passphrase opened.

    Args:
        position: Its place among the slots, from 0.
        master: The master key, secret, 32 bytes.
    """

    position: int
    master: bytes

    def __repr__(self) -> str:
        return f"OpenSlot(position={self.position})"


class _Parameters(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    kdf: Literal["argon2id"]
    version: Literal[19]
    memory_kib: int
    passes: int
    lanes: int
    salt: str
    aead: Literal["chacha20-poly1305"]
    nonce: str


class _Slot(_Parameters, frozen=True, forbid_unknown_fields=True):
    wrapped: str


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    format: Literal["pism-keyslots-v1"]
    slots: list[_Slot]
    sha256: str


_decode_file = json_decoder(_File, MAX_KEYSLOTS_BYTES)


def choose_cost(timer: Callable[[], float], target_s: float = 1.0) -> KdfCost:
    """Measure this device and return a cost of about the time asked, never under the floor.

    Args:
        timer: Monotonic seconds, such as time.perf_counter.
        target_s: Time of one guess on this device, seconds.

    Returns:
        The cost: memory grows first, to 128 MiB, then the passes.
    """
    floor = KdfCost()
    start = timer()
    _derive(b"measure", bytes(_SALT_BYTES), floor)
    # Both memory and passes cost in proportion. A timer that stands still means a fast device.
    factor = target_s / max(timer() - start, 0.001)
    memory_kib = int(min(max(factor, 1.0) * _FLOOR_MEMORY_KIB, _CHOSEN_MEMORY_KIB)) // 1024 * 1024
    passes = int(factor * _FLOOR_MEMORY_KIB / memory_kib * _FLOOR_PASSES)
    return KdfCost(memory_kib=memory_kib, passes=min(max(passes, _FLOOR_PASSES), _MAX_PASSES))


def make_slots(masters: Sequence[bytes], passphrase: bytes, cost: KdfCost) -> bytes:
    """Return a keyslots.json with a slot for each key, all under one passphrase.

    Args:
        masters: 1 to 4 keys of 32 bytes.
        passphrase: Canonical (core.crypto.passphrase).
        cost: What a guess shall cost.

    Returns:
        The file's bytes.
    """
    if not 1 <= len(masters) <= MAX_SLOTS or any(len(master) != KEY_BYTES for master in masters):
        raise ValueError(f"1 to {MAX_SLOTS} keys of {KEY_BYTES} bytes are wrapped")
    return _encode([_wrap(master, passphrase, cost) for master in masters])


def open_slots(data: bytes, passphrase: bytes) -> tuple[OpenSlot, ...]:
    """Try the passphrase on every slot.

    Args:
        data: The file's bytes.
        passphrase: Canonical (core.crypto.passphrase).

    Returns:
        The slots that it opens, at least one, in the file's order.

    Raises:
        PassphraseWrongError: It opens none (E-PASSPHRASE-WRONG).
        StateDamagedError: The file is not to the format, or a cost lies out of bounds (E-STATE-DAMAGED).
    """
    opened = []
    for position, slot in enumerate(_decode(data)):
        cost = KdfCost(memory_kib=slot.memory_kib, passes=slot.passes, lanes=slot.lanes)
        key = _derive(passphrase, bytes.fromhex(slot.salt), cost)
        nonce, wrapped = bytes.fromhex(slot.nonce), bytes.fromhex(slot.wrapped)
        try:
            master = ChaCha20Poly1305(key).decrypt(nonce, wrapped, _associated(slot))
        except InvalidTag:
            continue
        opened.append(OpenSlot(position=position, master=master))
    if not opened:
        raise PassphraseWrongError("the passphrase opens no keyslot")
    return tuple(opened)


def add_slot(data: bytes, master: bytes, passphrase: bytes, cost: KdfCost) -> bytes:
    """Return the file with one more slot.

    Args:
        data: The file's bytes.
        master: The key to wrap, 32 bytes.
        passphrase: Canonical (core.crypto.passphrase).
        cost: What a guess shall cost.

    Returns:
        The new file's bytes.

    Raises:
        StateDamagedError: The file is not to the format or full (E-STATE-DAMAGED).
    """
    slots = _decode(data)
    if len(slots) == MAX_SLOTS:
        raise StateDamagedError(f"keyslots.json holds {MAX_SLOTS} slots already")
    return _encode([*slots, _wrap(master, passphrase, cost)])


def keep_slots(data: bytes, positions: Sequence[int]) -> bytes:
    """Return the file with only some of its slots.

    Args:
        data: The file's bytes.
        positions: Which slots stay, from 0; at least one.

    Returns:
        The new file's bytes.

    Raises:
        StateDamagedError: The file is not to the format (E-STATE-DAMAGED).
    """
    slots = _decode(data)
    return _encode([slots[position] for position in positions])


def count_slots(data: bytes) -> int:
    """Return how many slots the file has.

    Args:
        data: The file's bytes.

    Returns:
        1 to 4.

    Raises:
        StateDamagedError: The file is not to the format (E-STATE-DAMAGED).
    """
    return len(_decode(data))


def recognition_words(data: bytes, beginning: bytes) -> tuple[str, ...]:
    """Return the two words that these keyslots and the beginning of a passphrase give.

    They change with every change of the passphrase, since its slot then has another salt.

    Args:
        data: The file's bytes.
        beginning: Of a canonical passphrase (core.crypto.passphrase.begin).

    Raises:
        StateDamagedError: The file is not to the format, or a cost lies out of bounds (E-STATE-DAMAGED).
    """
    slot = _decode(data)[0]
    salt = hashlib.sha256(_RECOGNITION + bytes.fromhex(slot.salt)).digest()[:_SALT_BYTES]
    cost = KdfCost(memory_kib=slot.memory_kib, passes=slot.passes, lanes=slot.lanes)
    return fingerprint_words(_derive(beginning, salt, cost), RECOGNITION_WORDS)


def _wrap(master: bytes, passphrase: bytes, cost: KdfCost) -> _Slot:
    salt, nonce = secrets.token_bytes(_SALT_BYTES), secrets.token_bytes(_NONCE_BYTES)
    parameters = _Parameters(
        kdf="argon2id",
        version=19,
        memory_kib=cost.memory_kib,
        passes=cost.passes,
        lanes=cost.lanes,
        salt=salt.hex(),
        aead="chacha20-poly1305",
        nonce=nonce.hex(),
    )
    wrapped = ChaCha20Poly1305(_derive(passphrase, salt, cost)).encrypt(
        nonce, master, _associated(parameters)
    )
    return _Slot(**msgspec.structs.asdict(parameters), wrapped=wrapped.hex())


def _derive(passphrase: bytes, salt: bytes, cost: KdfCost) -> bytes:
    kdf = Argon2id(
        salt=salt, length=KEY_BYTES, iterations=cost.passes, lanes=cost.lanes, memory_cost=cost.memory_kib
    )
    return kdf.derive(passphrase)


def _associated(slot: _Parameters) -> bytes:
    """Return the format and every parameter of a slot but the wrapped key, in one form."""
    fields = {name: getattr(slot, name) for name in _Parameters.__struct_fields__}
    return msgspec.json.encode({"format": _FORMAT, **fields}, order="sorted")


def _encode(slots: list[_Slot]) -> bytes:
    digest = hashlib.sha256(msgspec.json.encode(slots)).hexdigest()
    return msgspec.json.encode(_File(format=_FORMAT, slots=slots, sha256=digest))


def _decode(data: bytes) -> list[_Slot]:
    try:
        slots = _decode_file(data).slots
        for slot in slots:
            _check_bounds(slot)
    except ValueError as error:
        raise StateDamagedError(f"keyslots.json cannot be used: {error}") from error
    # Compared whole: an altered byte, a key twice, a space, a wrong check sum all differ.
    if _encode(slots) != data or not 1 <= len(slots) <= MAX_SLOTS:
        raise StateDamagedError("keyslots.json was altered: its check sum does not fit")
    return slots


def _check_bounds(slot: _Slot) -> None:
    """Check a slot's cost and sizes, before anything of its is used."""
    KdfCost(memory_kib=slot.memory_kib, passes=slot.passes, lanes=slot.lanes)
    sizes = [len(bytes.fromhex(text)) for text in (slot.salt, slot.nonce, slot.wrapped)]
    if sizes != [_SALT_BYTES, _NONCE_BYTES, KEY_BYTES + _TAG_BYTES]:
        raise ValueError("salt, nonce or wrapped key has a wrong size")
