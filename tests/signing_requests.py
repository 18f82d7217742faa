"""Signing requests to test with: made by OpenSSL as a server's operator would, or by the library."""

from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.hashes import HashAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding

from core.api.csr_files import RequestFile
from core.crypto.keys import ALGORITHMS, PrivateKey, algorithm_name, make_key
from core.policy.settings import SignerSettings, Target
from tests.judges import run

OPENSSL_KEYS = {
    "ed25519": ("ed25519",),
    "p256": ("ec", "-pkeyopt", "ec_paramgen_curve:P-256"),
    "p384": ("ec", "-pkeyopt", "ec_paramgen_curve:P-384"),
    "rsa3072": ("rsa:3072",),
    "rsa4096": ("rsa:4096",),
}
SUBJECT = "/O=Visitors & Sons/CN=gate 7"


def make_request(
    key: PrivateKey | None = None,
    common_name: str = "gate 7",
    *,
    digest: HashAlgorithm | None = None,
    extensions: tuple[x509.ExtensionType, ...] = (),
) -> bytes:
    """Return a request in DER, signed by the library with an Ed25519 key of its own unless told otherwise."""
    key = key or make_key("ed25519")
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, common_name)])
    builder = x509.CertificateSigningRequestBuilder().subject_name(subject)
    for extension in extensions:
        builder = builder.add_extension(extension, critical=True)
    chosen = digest or ALGORITHMS[algorithm_name(key.public_key())].digest
    return builder.sign(key, chosen).public_bytes(Encoding.DER)


def make_with_openssl(folder: Path, algorithm: str, name: str = "request") -> bytes:
    """Return a request in PEM that OpenSSL has made, its key beside it as `<name>.key`."""
    made = run(
        "openssl", "req", "-new", "-newkey", *OPENSSL_KEYS[algorithm], "-noenc", "-subj", SUBJECT,
        "-addext", "basicConstraints=critical,CA:true,pathlen:9", "-addext", "keyUsage=digitalSignature",
        "-keyout", folder / f"{name}.key", "-out", folder / f"{name}.csr",
    )  # fmt: skip
    assert made.returncode == 0, made.stderr
    return (folder / f"{name}.csr").read_bytes()


def make_file(name: str = "services.visitor.csr", data: bytes | None = None) -> RequestFile:
    """Return a request as a stick brings it, with a key of its own unless told otherwise."""
    return RequestFile(name=name, data=make_request() if data is None else data)


def visitors(**target: object) -> SignerSettings:
    """Return signers of two targets: one with keys of the box, and `visitor`, which takes requests."""
    given: dict[str, object] = {"quantum": 0.25, "own_key": True}
    return SignerSettings(
        lead_time=0.5,
        classes={"services": {"mongo": Target(quantum=0.25), "visitor": Target(**(given | target))}},  # type: ignore[arg-type]  # by name
    )
