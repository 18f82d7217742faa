"""Is this state older than what the world has seen? A receipt on a stick can tell (design 3, Journal).

A whole state folder put back passes every check inside the box: it is what it was. But receipts travel. One
that is sealed under a root of ours, of our own incarnation, with a number that this store never gave out,
proves that a later state existed. Receipts of others, and what is no receipt, prove nothing.
"""

from cryptography import x509

from core.errors import ArchiveError, StateOldError
from core.export.receipt import TrustedRoot, verify_receipt
from core.store.store import Store


def check_receipt(store: Store, data: bytes) -> None:
    """Compare a receipt from a stick with what this store remembers.

    Args:
        store: Open.
        data: The file, from a stick that nobody vouches for.

    Raises:
        StateOldError: The receipt is ours and later than anything here (E-STATE-OLD).
    """
    try:
        receipt = verify_receipt(data, _trusted_roots(store))
    except ArchiveError:
        return
    if receipt.incarnation != store.fact("incarnation"):
        return
    given = {(item.kind, item.name): item.last for item in store.sequences()}
    last = given.get((receipt.kind, receipt.name), 0)
    if receipt.sequence > last:
        raise StateOldError(
            f"the stick holds the receipt of {receipt.kind} {receipt.name} {receipt.sequence:06}; "
            f"the last one known here is {last:06}"
        )


def _trusted_roots(store: Store) -> dict[str, TrustedRoot]:
    """Return all roots of the store with the serials that each has revoked."""
    certificates = store.certificates()
    roots = [item for item in certificates if item.kind == "root"]
    ders = dict(store.ders([root.id for root in roots]))
    return {
        root.id: TrustedRoot(
            certificate=x509.load_der_x509_certificate(ders[root.id]),
            revoked_serials=frozenset(
                item.serial for item in certificates if item.issuer == root.id and item.revoked_at is not None
            ),
        )
        for root in roots
    }
