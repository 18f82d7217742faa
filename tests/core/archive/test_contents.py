import pytest

from core.archive.contents import Contents, select_backup, select_egress
from core.errors import CheckError, PolicyError
from core.policy.settings import Egress, SignerSettings, Target
from tests.builders import AGE_KEY, make_certificate, make_policy, make_root, make_seal_record, utc

NOW = utc("2027-02-01")
ROOT, SEAL, SIGNER = make_root(), make_seal_record(), make_certificate()
ALL_KEYS = frozenset(f"{number:08x}-0000-4000-8000-000000000000" for number in range(64))


def test_an_egress_holds_signers_and_their_keys_only() -> None:
    contents = select_egress(make_policy(), "main-kudo", [ROOT, SEAL, SIGNER], ALL_KEYS, NOW)
    assert contents.certificates == (ROOT, SEAL, SIGNER)
    assert contents.with_keys() == (SIGNER,)


def test_a_backup_holds_every_key() -> None:
    contents = select_backup(make_policy(), "main-backup", [ROOT, SEAL, SIGNER], ALL_KEYS, NOW)
    assert contents.with_keys() == (ROOT, SEAL, SIGNER)


def test_an_egress_cannot_name_a_root_or_seal_key() -> None:
    for other in (ROOT, SEAL):
        with pytest.raises(CheckError, match="egress-holds-signer-keys-only"):
            Contents(
                kind="egress",
                name="main-kudo",
                roots=(ROOT,),
                seals=(SEAL,),
                signers=(SIGNER,),
                key_ids=frozenset({SIGNER.id, other.id}),
            )


def test_an_egress_holds_the_signers_of_its_targets() -> None:
    classes = {"services": {"mongo": Target(quantum=0.25), "redis": Target(quantum=0.25)}}
    policy = make_policy(
        signers=SignerSettings(lead_time=0.5, classes=classes),
        egresses={"only": Egress(recipients=(AGE_KEY,), targets=("services/redis",))},
    )
    redis = make_certificate(number=2, target="redis")
    contents = select_egress(policy, "only", [ROOT, SEAL, SIGNER, redis], ALL_KEYS, NOW)
    assert contents.signers == (redis,)
    assert contents.key_ids == {redis.id}


@pytest.mark.parametrize(
    ("now", "listed", "with_key"),
    [
        ("2026-12-01", True, True),
        ("2027-03-31T23:59:59", True, True),
        ("2027-04-01", True, False),
        ("2027-04-30T23:59:59", True, False),
        ("2027-05-01", False, False),
    ],
)
def test_a_key_travels_until_the_issuing_period_ends_and_a_certificate_until_not_after(
    now: str,
    listed: bool,  # noqa: FBT001 - a column of the table
    with_key: bool,  # noqa: FBT001 - the same
) -> None:
    contents = select_egress(make_policy(), "main-kudo", [ROOT, SEAL, SIGNER], ALL_KEYS, utc(now))
    assert (contents.signers == (SIGNER,)) is listed
    assert (contents.key_ids == {SIGNER.id}) is with_key


def test_a_key_that_was_never_here_is_in_nothing() -> None:
    contents = select_egress(make_policy(), "main-kudo", [ROOT, SEAL, SIGNER], frozenset(), NOW)
    assert contents.signers == (SIGNER,)
    assert not contents.key_ids


def test_a_revoked_signer_is_listed_without_its_key() -> None:
    revoked = make_certificate(revoked_at=NOW, reason="keyCompromise")
    contents = select_egress(make_policy(), "main-kudo", [ROOT, SEAL, revoked], ALL_KEYS, NOW)
    assert not contents.key_ids
    assert contents.status(revoked, NOW) == "revoked"


def test_a_revoked_root_takes_its_signers_and_its_seal_along() -> None:
    root = make_root(revoked_at=NOW, reason="keyCompromise")
    other = make_root(number=0x20)
    other_seal = make_seal_record(number=0x21, issuer=other.id)
    contents = select_egress(
        make_policy(), "main-kudo", [root, SEAL, other, other_seal, SIGNER], ALL_KEYS, NOW
    )
    assert contents.roots == (root, other)
    assert contents.seals == (other_seal,)
    assert contents.status(SIGNER, NOW) == "revoked"
    assert not contents.key_ids


def test_future_roots_seal_and_expired_ones_do_not() -> None:
    late, late_seal = make_root(number=2, issue_from=utc("2028-01-01")), make_seal_record(number=3)
    late_seal = make_seal_record(number=3, issuer=late.id)
    old = make_root(number=4, not_after=utc("2027-01-31T23:59:59"))
    old_seal = make_seal_record(number=5, issuer=old.id)
    bare = make_root(number=6)
    issued = [old, old_seal, ROOT, SEAL, late, late_seal, bare]
    contents = select_backup(make_policy(), "main-backup", issued, ALL_KEYS, NOW)
    assert contents.seals == (SEAL, late_seal)
    assert contents.roots == (old, ROOT, late, bare)


def test_of_two_seals_the_newer_live_one_counts() -> None:
    revoked = make_seal_record(revoked_at=NOW, reason="superseded")
    newer = make_seal_record(number=7)
    contents = select_backup(make_policy(), "main-backup", [ROOT, revoked, newer], ALL_KEYS, NOW)
    assert contents.seals == (newer,)


def test_refuses_an_unknown_name() -> None:
    with pytest.raises(PolicyError):
        select_egress(make_policy(), "other", [], frozenset(), NOW)
    with pytest.raises(PolicyError):
        select_backup(make_policy(), "main-kudo", [], frozenset(), NOW)
