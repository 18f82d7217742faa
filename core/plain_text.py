"""The text in a small file that people bring: keys, words, passphrases, config.yaml, signing requests.

Rules:
1. A UTF-8 mark before the text is skipped, and the mark of its end that `copy` adds on Windows; CR, CRLF, LF,
   and the CRCRLF of a file that was converted twice are one line end alike.
2. What an editor or a program saved in another form is named, with the way out: UTF-16 and UTF-32 with or
   without their mark, a word processor's document, and DER where text is wanted.
3. What the text says, and that it is UTF-8 where that matters, is for whoever reads it.
"""

import codecs
from collections.abc import Callable
from typing import Final

from core.der import SEQUENCE, read_elements
from core.errors import CaError

_MARKS: Final = (
    (codecs.BOM_UTF32_LE, "UTF-32"),  # begins as UTF-16's does
    (codecs.BOM_UTF32_BE, "UTF-32"),
    (codecs.BOM_UTF16_LE, "UTF-16"),
    (codecs.BOM_UTF16_BE, "UTF-16"),
)
_DOCUMENTS: Final = (
    (rb"{\rtf1", "a document in RTF"),
    (b"PK\x03\x04", "a ZIP file, as the documents of word processors are"),
)
_END_OF_FILE: Final = b"\x1a"


def read_plain_text(data: bytes, refuse: Callable[[str], CaError], *, to_pem: str = "") -> bytes:
    """Return a file's text, its lines ended by LF.

    Args:
        data: The file's bytes, bounded by the caller.
        refuse: Makes the refusal of what the file is, such as "is UTF-16 text: save it as UTF-8".
        to_pem: The command that makes PEM of DER, between FILE and COPY; "" where DER is not for this reader
            to refuse.

    Raises:
        CaError: From `refuse`.
    """
    for beginning, form in _DOCUMENTS:
        if data.startswith(beginning):
            raise refuse(f"is {form}: save it as plain text")
    if form := _other_encoding(data):
        raise refuse(f"is {form} text: save it as UTF-8")
    if to_pem and is_der(data):
        raise refuse(f"is DER, not text; this makes PEM of a key: {to_pem} -inform DER -in FILE -out COPY")
    text = data.removeprefix(codecs.BOM_UTF8).removesuffix(_END_OF_FILE)
    for end in (b"\r\r\n", b"\r\n", b"\r"):
        text = text.replace(end, b"\n")
    return text


def is_der(data: bytes) -> bool:
    """Return whether the bytes are one DER sequence, whole."""
    try:
        (element,) = read_elements(data)
    except ValueError:  # damaged, or not one
        return False
    return element.tag == SEQUENCE


def _other_encoding(data: bytes) -> str:
    """Return the name of the encoding, "" for one in which ASCII is ASCII."""
    for mark, name in _MARKS:
        if data.startswith(mark):
            return name
    # Without a mark: letters of the West have a zero in every other byte.
    zeros = max(data[0::2].count(0), data[1::2].count(0))
    return "UTF-16" if data and zeros * 4 > len(data) else ""
