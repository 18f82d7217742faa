"""What all certificates of an issuance share: the rehearsed one's bytes, cut open where the next one differs.

1. Version, signature algorithm, issuer and all extensions but the subject key identifier's value are the
   very bytes of a certificate that passed every rule. Serial number, validity, subject, key and that
   identifier are written anew, each as a whole DER element. Lengths are computed, so one cut serves every
   length: lane 9 and lane 10, a date in 2049 and one in 2050, a serial number of few bits.
2. What comes out is what x509.CertificateBuilder makes, byte for byte (a test). Nothing rests on that: each
   certificate is parsed back and passes core.issue.checks before anybody gets it.
3. A root is no such certificate: its issuer and its authority key identifier are its own. It is built.
"""

from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Self

from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from core.crypto.keys import PrivateKey, sign_bytes
from core.der import INTEGER, SEQUENCE, encode_element, read_elements
from core.issue.profile import Template

_EXTENSIONS = 0xA3  # [3] EXPLICIT, RFC 5280 4.1
_BIT_STRING = 0x03
_UTC_TIME, _GENERALIZED_TIME = 0x17, 0x18
_GENERALIZED_FROM = 2050  # RFC 5280 4.1.2.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Rehearsed:
    """A rehearsed certificate that passed all rules, cut open.

    Args:
        version: Its version, a whole element.
        algorithm: Its signature algorithm, a whole element.
        issuer: Its issuer's name, a whole element.
        front: What is in its extensions before its key identifier.
        back: What is in them after it.
    """

    version: bytes
    algorithm: bytes
    issuer: bytes
    front: bytes
    back: bytes

    @classmethod
    def cut(cls, der: bytes, key_id: bytes) -> Self:
        """Return the parts of a certificate that passed all rules.

        Args:
            der: Its bytes.
            key_id: Its subject key identifier.
        """
        (certificate,) = read_elements(der)
        fields = certificate.children()[0].children()
        version, _serial, algorithm, issuer, _validity, _subject, _key, extensions = fields  # RFC 5280 4.1
        front, _, back = extensions.children()[0].content.partition(key_id)
        return cls(
            version=version.whole, algorithm=algorithm.whole, issuer=issuer.whole, front=front, back=back
        )

    def extensions(self, key_id: bytes) -> bytes:
        """Return what is in the extensions of the certificate whose key identifier that is."""
        return self.front + key_id + self.back

    def fill(self, template: Template) -> bytes:
        """Return the bytes to be signed, TBSCertificate of RFC 5280 4.1.

        Args:
            template: What is to be signed: of the rehearsed kind, target and issuer.
        """
        fields = (
            self.version,
            encode_element(INTEGER, template.serial.to_bytes(template.serial.bit_length() // 8 + 1)),
            self.algorithm,
            self.issuer,
            _encode_validity(template.not_before, template.not_after),
            template.subject.public_bytes(),
            template.public_key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo),
            encode_element(_EXTENSIONS, encode_element(SEQUENCE, self.extensions(template.key_id))),
        )
        return encode_element(SEQUENCE, b"".join(fields))

    def sign(self, template: Template, private_key: PrivateKey) -> bytes:
        """Return the signed certificate.

        Args:
            template: As for `fill`.
            private_key: The issuer's.
        """
        filled = self.fill(template)
        signature = encode_element(_BIT_STRING, b"\0" + sign_bytes(private_key, filled))  # no bit unused
        return encode_element(SEQUENCE, filled + self.algorithm + signature)


@lru_cache(maxsize=64)  # as many lanes as there are have one validity
def _encode_validity(not_before: datetime, not_after: datetime) -> bytes:
    return encode_element(SEQUENCE, _encode_time(not_before) + _encode_time(not_after))


def _encode_time(at: datetime) -> bytes:
    """Return an instant as RFC 5280 4.1.2.5 has it: in UTC, to the second, and in two forms."""
    if at.year < _GENERALIZED_FROM:
        return encode_element(_UTC_TIME, f"{at:%y%m%d%H%M%SZ}".encode())
    return encode_element(_GENERALIZED_TIME, f"{at:%Y%m%d%H%M%SZ}".encode())
