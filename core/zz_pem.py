"""DER to PEM (RFC 7468), for certificates by the thousand: no parsing, no copy that stays."""

from binascii import b2a_base64

_LINE = 64  # RFC 7468 section 2: lines of exactly 64 characters


def encode_pem(der: bytes, label: str = "CERTIFICATE") -> bytes:
    """Return `der` as one PEM block that ends with a line feed."""
    text = b2a_base64(der, newline=False)
    lines = b"\n".join([text[start : start + _LINE] for start in range(0, len(text), _LINE)])
    name = label.encode()
    return b"-----BEGIN %b-----\n%b\n-----END %b-----\n" % (name, lines, name)
