"""Bech32 (BIP-173), the letters in which age writes keys; without its bound of 90 characters, as age has it.

1. A text has one form: all of it in one case, the spare bits zero, the checksum right. Whatever else is a
   ValueError, which never quotes the text: it may be a private key.
2. It says what a text holds, not what that is good for.
"""

from collections.abc import Iterable
from typing import Final

ALPHABET: Final = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
_GENERATORS: Final = (0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)
_CHECKSUM: Final = 6  # characters
_LETTER_BITS: Final = 5


def encode(prefix: str, data: bytes) -> str:
    """Return `data` behind its prefix, in lower case.

    Args:
        prefix: What kind of key it is, such as `age1pq`; lower case.
        data: The key's bytes.
    """
    spare = -len(data) * 8 % _LETTER_BITS
    number = int.from_bytes(data, "big") << spare
    count = (len(data) * 8 + spare) // _LETTER_BITS
    letters = [number >> _LETTER_BITS * (count - 1 - n) & 31 for n in range(count)]
    check = _polymod((*_expand(prefix), *letters, *(0,) * _CHECKSUM)) ^ 1
    letters += [check >> _LETTER_BITS * (_CHECKSUM - 1 - n) & 31 for n in range(_CHECKSUM)]
    return f"{prefix}1{''.join(ALPHABET[letter] for letter in letters)}"


def decode(text: str) -> tuple[str, bytes]:
    """Return prefix, in lower case, and bytes.

    Raises:
        ValueError: It is not to rule 1.
    """
    lower = text.lower()
    prefix, one, body = lower.rpartition("1")
    if (
        text not in (lower, text.upper())
        or not (one and prefix and prefix.isascii())
        or len(body) < _CHECKSUM
    ):
        raise ValueError("not Bech32")
    letters = [ALPHABET.find(letter) for letter in body]
    if min(letters) < 0 or _polymod((*_expand(prefix), *letters)) != 1:
        raise ValueError("a wrong letter, or a wrong checksum")
    count = len(letters) - _CHECKSUM
    number = 0
    for letter in letters[:count]:
        number = number << _LETTER_BITS | letter
    length, spare = divmod(count * _LETTER_BITS, 8)
    if spare >= _LETTER_BITS or number & (1 << spare) - 1:
        raise ValueError("spare bits that are not zero")
    return prefix, (number >> spare).to_bytes(length, "big")


def _expand(prefix: str) -> tuple[int, ...]:
    return (*(ord(letter) >> 5 for letter in prefix), 0, *(ord(letter) & 31 for letter in prefix))


def _polymod(values: Iterable[int]) -> int:
    check = 1
    for value in values:
        top, check = check >> 25, (check & 0x1FFFFFF) << 5 ^ value
        for bit, generator in enumerate(_GENERATORS):
            check ^= generator if top >> bit & 1 else 0
    return check
