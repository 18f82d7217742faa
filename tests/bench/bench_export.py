"""Export of many signers: time against bare PKCS#8 encryption, and peak memory; each in a process of its own.

Run by `make bench`, or alone: `python tests/bench/bench_export.py`. Prints what it saw.
"""

import time
from base64 import b64encode
from pathlib import Path
from secrets import token_bytes

import pytest

from core.progress import report_nothing
from tests.bench.children import Measured, peak_mb, run, serve, step

SMALL, LARGE = 10_000, 20_000
MAX_TIME_RATIO = 1.5
MAX_PEAK_MB = 200
MAX_GROWTH = 1.2


@step
def fill(folder: Path, count: int) -> Measured:
    """Make a store with `count` signers, five targets, one period."""
    from tests.authority_store import make_store
    from tests.bench.loads import NOW, bench_policy

    with make_store(folder / str(count), bench_policy(count), NOW):
        return {}


@step
def export(folder: Path, count: int) -> Measured:
    """Export them all; encrypt as many keys barely in the same process, half before and half after."""
    from core.export.archives import write_egress
    from core.store.journal import append
    from core.store.store import open_store
    from tests.authority_store import PASSPHRASE
    from tests.bench.loads import NOW, bench_policy

    policy, now = bench_policy(count), NOW
    with open_store(folder / str(count), PASSPHRASE) as store, (folder / "archive").open("wb") as out:
        unlocked_mb = peak_mb()
        bare_seconds = encrypt_barely(count // 2)
        start = time.perf_counter()
        with store.transaction():
            written = write_egress(store, policy, "main-kudo", now, out, report=report_nothing)
            append(store, "export", {"manifest": written.manifest_sha256}, now)
        seconds = time.perf_counter() - start
    assert len(written.contents.key_ids) == count
    seen = {"seconds": seconds, "unlocked_mb": unlocked_mb, "peak_mb": peak_mb()}
    bare_seconds += encrypt_barely(count - count // 2)
    return seen | {"bare_seconds": bare_seconds, "archive_mb": written.size_bytes / 1e6}


def encrypt_barely(count: int) -> float:
    """Return the seconds that bare PKCS#8 encryption of `count` Ed25519 keys takes."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, PrivateFormat

    keys = [Ed25519PrivateKey.generate() for _ in range(count)]
    start = time.perf_counter()
    for key in keys:
        passphrase = b64encode(token_bytes(64))
        key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(passphrase))
    return time.perf_counter() - start


@pytest.mark.bench
def test_export_of_10000_signers_is_quick_and_its_memory_flat(tmp_path: Path) -> None:
    seen = {}
    for count in (SMALL, LARGE):
        run(fill, tmp_path, count)
        seen[count] = run(export, tmp_path, count)
        ratio = seen[count]["seconds"] / seen[count]["bare_seconds"]
        print(f"\nexport of {count} signers:", {key: round(value, 2) for key, value in seen[count].items()})
        print(f"  time against bare encryption: {ratio:.2f} (at most {MAX_TIME_RATIO})")
        assert ratio <= MAX_TIME_RATIO
    growth = seen[LARGE]["peak_mb"] / seen[SMALL]["peak_mb"]
    print(f"  peak memory at {LARGE} against {SMALL}: {growth:.2f} (at most {MAX_GROWTH})")
    assert seen[SMALL]["peak_mb"] < MAX_PEAK_MB
    assert growth < MAX_GROWTH


if __name__ == "__main__":
    serve(__file__)
