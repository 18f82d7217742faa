"""Which 32 bytes are a sound point of Curve25519, as Ed25519 or X25519 writes it.

Rules:
1. An encoding is canonical: below p = 2^255 - 19, and no spare bit set (RFC 8032 5.1.3; RFC 7748 section 5
   would reduce it, we refuse it).
2. A point of order 1, 2, 4 or 8 is refused in each of its encodings: the shared secret with it is known
   to everybody (RFC 7748 section 6.1).
3. An Ed25519 encoding must decompress.

Only public keys come here: nothing runs in constant time. Signatures and agreement belong to libraries.
"""

_P = 2**255 - 19
_D = -121665 * pow(121666, -1, _P) % _P
# y of the points of order 8 on edwards25519; their negatives are the other two such y.
_Y8 = 0x05FC536D880238B13933C6D305ACDFD5F098EFF289F4C345B027B2C28F95E826
_LOW_Y = frozenset({0, 1, _P - 1, _Y8, _P - _Y8})
# (1 + y) / (1 - y) carries a point to curve25519; 1 and -1 lie on the curve and on its twist.
_LOW_U = frozenset({0, 1, _P - 1} | {(1 + y) * pow(1 - y, -1, _P) % _P for y in (_Y8, _P - _Y8)})


def is_low_order_ed25519(encoded: bytes) -> bool:
    """Return whether the 32 bytes name one of the eight points of small order, canonically or not."""
    return int.from_bytes(encoded, "little") % 2**255 % _P in _LOW_Y


def is_low_order_x25519(encoded: bytes) -> bool:
    """Return whether the 32 bytes name a u-coordinate of small order, canonically or not."""
    return int.from_bytes(encoded, "little") % 2**255 % _P in _LOW_U


def is_valid_ed25519(encoded: bytes) -> bool:
    """Return whether the 32 bytes are the canonical encoding of a point on edwards25519."""
    y = int.from_bytes(encoded, "little") % 2**255
    if y >= _P:
        return False
    square = (y * y - 1) * pow(_D * y * y + 1, -1, _P) % _P  # RFC 8032 5.1.3: x^2
    return square == 0 or pow(square, (_P - 1) // 2, _P) == 1  # Euler's criterion: a root exists


def is_valid_x25519(encoded: bytes) -> bool:
    """Return whether the 32 bytes are a canonical u-coordinate."""
    return int.from_bytes(encoded, "little") < _P
