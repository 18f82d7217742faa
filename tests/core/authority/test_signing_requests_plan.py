"""Requests against the plan: who is taken, who is refused, and which gap each one fills."""

from datetime import datetime, timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from core.api.csr_files import fault_in_name, is_litter, looks_like_request, parse_name, request_order
from core.authority.signing_requests import Holder, Judged, Request, admit_requests, fill_gaps, read_requests
from core.certificate import encode_pem
from core.issue.csr import Csr
from core.plan.gaps import Gap, find_gaps
from core.policy.policy import Policy
from core.policy.settings import SignerSettings, Target
from tests.builders import make_certificate, make_gap, make_policy, utc
from tests.core.simulation import Box
from tests.signing_requests import make_file, visitors

NOW = utc("2027-02-10T12:00")
POLICY = make_policy(signers=visitors())
KEY = Ed25519PrivateKey.generate().public_key()


def request_of(number: int = 1, *, target: str = "visitor", key: int | None = None) -> Request:
    """Return a request; `number` sets files apart, `key` keys."""
    csr = Csr(
        subject=f"CN=gate {number}",
        algorithm="ed25519",
        public_key=KEY,
        key_sha256=f"{number if key is None else key:064x}",
    )
    return Request(
        file=f"services.{target}.{number:03}.csr",
        file_sha256=f"{number:064x}",
        class_name="services",
        target=target,
        csr=csr,
    )


def judged(*requests: Request) -> tuple[Judged, ...]:
    return tuple(Judged(place=n, file=item.file, request=item) for n, item in enumerate(requests))


def gaps_of(count: int, target: str = "visitor") -> tuple[Gap, ...]:
    return tuple(make_gap(target=target, lane=lane) for lane in range(1, count + 1))


def codes(found: tuple[Judged, ...]) -> list[str]:
    return ["" if item.refusal is None else item.refusal.code for item in found]


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("services.visitor.csr", ("services", "visitor")),
        ("services.visitor.gate-7.csr", ("services", "visitor")),
        ("SERVICES.VISITOR.GATE_7.CSR", ("services", "visitor")),
        ("a.b.1.csr", ("a", "b")),
    ],
)
def test_a_name_says_class_and_target(name: str, wanted: tuple[str, str]) -> None:
    found = parse_name(name)
    assert found is not None
    assert (found.class_name, found.target) == wanted


@pytest.mark.parametrize(
    "name",
    [
        "", ".csr", "visitor.csr", "services..csr", "services.visitor.a.b.csr", "services.visitor.pem",
        "services/visitor.csr", "services.visitor.csr\n", "services.visitor. .csr", "7.visitor.csr",
        "services.visit\u00f6r.csr", "services.\u212aey.csr", f"services.{'v' * 25}.csr",
        "._services.visitor.csr",
    ],
)  # fmt: skip
def test_a_name_that_says_nothing_is_none(name: str) -> None:
    assert parse_name(name) is None


def test_only_what_systems_leave_unasked_is_litter() -> None:
    names = ("._a.csr", ".csr", ".DS_Store", "Thumbs.db", "thumbs.DB", "Desktop.ini", "a.csr.txt", "a.pdf")
    assert [name for name in names if not is_litter(name)] == ["a.csr.txt", "a.pdf"]


def test_what_is_meant_as_a_request_is_known_by_its_looks() -> None:
    meant = (
        "a.csr", "A.CSR", "a.csr.txt", "a.req", "a.p10", "gate.csr.pem", "csr", "CSRs", "request", "Requests",
        "requests.zip", "signing requests", "a.csr~", "a.csr.crdownload", "gate_csr.pem", "gates-csr (1).txt",
        "a.csr.old.bak", "CertReq.txt", "csr.txt",
    )  # fmt: skip
    other = (
        "._a.csr", "main-kudo-000001-20270101T000000Z.tar.age", "public", "next-visit.ics", "notes.txt",
        "pism-receipt-main-kudo-000001.json", "config.yaml", "backup-a.txt", "requested.doc", "a.pem",
        "required.txt", "acsr.pdf", "p100.jpg",
    )  # fmt: skip
    assert [name for name in (*meant, *other) if looks_like_request(name)] == list(meant)


@pytest.mark.parametrize(
    ("name", "ends"),
    [
        ("services.gates.csr.txt", ".txt"),
        ("services.gates.req", ".req"),
        ("gates.csr", ""),
        ("a.\x1b[2J", ""),
    ],
)
def test_what_is_wrong_with_a_name_is_said(name: str, ends: str) -> None:
    told = fault_in_name(name)
    assert told.endswith(f": it ends in {ends}" if ends else "class.target.label.csr")
    assert told.isprintable()


def test_names_stand_in_one_order_whatever_their_case() -> None:
    assert sorted(["b.csr", "A.csr", "a.csr", "B.csr"], key=request_order) == [
        "A.csr",
        "a.csr",
        "B.csr",
        "b.csr",
    ]


def test_no_repr_shows_what_a_file_holds() -> None:
    assert repr(make_file(data=b"secret")) == "RequestFile(name='services.visitor.csr', 6 bytes)"


def test_files_are_read_in_the_order_of_their_names_and_bytes() -> None:
    second, first = make_file("services.visitor.2.csr"), make_file("Services.visitor.1.csr")
    assert [item.file for item in read_requests(POLICY, (second, first))] == [first.name, second.name]
    assert [item.place for item in read_requests(POLICY, (second, first))] == [1, 0]
    twins = (make_file(), make_file())
    one, other = (read_requests(POLICY, files) for files in (twins, twins[::-1]))
    assert [item.request for item in one] == [item.request for item in other]


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("visitor.csr", "E-REQUEST-NAME"),
        ("services.stranger.csr", "E-REQUEST-TARGET"),
        ("strangers.visitor.csr", "E-REQUEST-TARGET"),
        ("services.mongo.csr", "E-REQUEST-TARGET"),  # the box makes its keys
    ],
)
def test_a_file_for_no_target_that_takes_requests_is_refused(name: str, code: str) -> None:
    (found,) = read_requests(POLICY, [make_file(name)])
    assert codes((found,)) == [code]
    assert not found.signable


def test_a_key_of_another_algorithm_than_the_targets_is_refused() -> None:
    policy = make_policy(signers=visitors(algorithm="p384"))
    assert codes(read_requests(policy, [make_file()])) == ["E-REQUEST-KEY"]


def test_one_bad_file_does_not_hinder_the_others() -> None:
    files = (make_file("services.visitor.1.csr", b"?"), make_file("services.visitor.2.csr"))
    assert codes(read_requests(POLICY, files)) == ["E-REQUEST", ""]


def test_more_requests_than_gaps_are_refused_from_the_end() -> None:
    found = admit_requests(judged(*map(request_of, range(5))), gaps_of(3), {})
    assert codes(found) == ["", "", "", "E-REQUEST-GAP", "E-REQUEST-GAP"]


def test_of_two_requests_for_one_key_the_first_is_taken() -> None:
    twins = judged(request_of(1, key=9), request_of(2, key=9), request_of(3, key=9, target="other"))
    found = admit_requests(twins, gaps_of(2) + gaps_of(1, "other"), {})
    assert codes(found) == ["", "E-REQUEST-USED", "E-REQUEST-USED"]


@pytest.mark.parametrize("kind", ["root", "seal", "signer"])
def test_a_key_that_has_a_certificate_already_is_refused(kind: str) -> None:
    holder = Holder(certificate=make_certificate(kind=kind, target="mongo"), live=True)
    found = admit_requests(judged(request_of()), gaps_of(1), {request_of().csr.key_sha256: holder})
    assert codes(found) == ["E-REQUEST-USED"]


def test_a_key_with_its_certificate_is_served_while_that_lives() -> None:
    keys = request_of().csr.key_sha256
    signer = make_certificate(target="visitor")
    (served,) = admit_requests(
        judged(request_of()), gaps_of(1), {keys: Holder(certificate=signer, live=True)}
    )
    assert served.served
    assert not served.signable
    dead = admit_requests(judged(request_of()), gaps_of(1), {keys: Holder(certificate=signer, live=False)})
    assert codes(dead) == ["E-REQUEST-USED"]


def test_a_served_or_refused_request_takes_no_gap_away() -> None:
    holder = Holder(certificate=make_certificate(target="visitor"), live=True)
    requests = judged(request_of(1), request_of(2), request_of(3))
    found = admit_requests(requests, gaps_of(2), {request_of(1).csr.key_sha256: holder})
    assert [item.signable for item in found] == [False, True, True]


def test_an_approval_names_all_that_is_shown_and_the_file() -> None:
    file = make_file()
    files = [
        file,
        make_file("services.visitor.2.csr", file.data),
        make_file(data=encode_pem(file.data, "CERTIFICATE REQUEST")),
        make_file(),
    ]
    approvals = [item.request.approval for item in read_requests(POLICY, files) if item.request]
    assert len(set(approvals)) == 4
    assert approvals == [item.request.approval for item in read_requests(POLICY, files) if item.request]


def test_requests_fill_the_earliest_gaps_lane_by_lane() -> None:
    policy = make_policy(signers=visitors(load=2))
    plan = find_gaps(policy, (), NOW)
    filled = fill_gaps(plan.requests, [request_of(number) for number in range(1, 4)])
    assert [(gap.lane, gap.period) for gap, _ in filled] == [(1, "2027.1"), (2, "2027.1"), (1, "2027.2")]
    assert [request.file[-7:-4] for _, request in filled] == ["001", "002", "003"]


targets = st.sampled_from(("visitor", "guest", "stranger"))


@st.composite
def policies(draw: st.DrawFn) -> Policy:
    target = st.builds(
        Target,
        quantum=st.sampled_from((0.25, 0.5, 1.0)),
        load=st.integers(min_value=1, max_value=4),
        own_key=st.just(value=True),
    )
    classes = {"services": {"visitor": draw(target), "guest": draw(target), "mongo": Target(quantum=0.25)}}
    return make_policy(
        signers=SignerSettings(lead_time=draw(st.sampled_from((0.5, 1.0, 1.5))), classes=classes)
    )


@given(
    policy=policies(),
    brought=st.lists(st.lists(st.tuples(targets, st.integers(0, 30)), max_size=12), min_size=1, max_size=6),
    days=st.lists(st.integers(0, 200), min_size=6, max_size=6),
    revoked=st.lists(st.integers(0, 60), max_size=3),
)
def test_whatever_is_brought_each_key_gets_one_gap_and_the_earliest_are_filled(
    policy: Policy, brought: list[list[tuple[str, int]]], days: list[int], revoked: list[int]
) -> None:
    """Visits with any requests, at any time: what must hold of every one of them."""
    box, now, certified = Box(), NOW, dict[str, tuple[str, int | None]]()
    for visit, requests in enumerate(brought):
        box.top_up(policy, now)
        plan = find_gaps(policy, box.issued, now)
        template = [request_of(visit * 100 + n, target=t, key=k) for n, (t, k) in enumerate(requests)]
        holders = {
            key: Holder(certificate=make_certificate(target=target), live=False)
            for key, (target, _) in certified.items()
        }
        found = admit_requests(judged(*template), plan.requests, holders)
        taken = [item.request for item in found if item.signable and item.request]
        filled = fill_gaps(plan.requests, taken)
        assert len(filled) == len(taken)
        assert_filled_well(plan.requests, filled, now)
        for gap, request in filled:
            assert request.csr.key_sha256 not in certified, "a key is certified twice"
            certified[request.csr.key_sha256] = (request.target, gap.lane)
            box.certify(policy, gap)
        # What is left of the plan is what nobody asked for.
        assert find_gaps(policy, box.issued, now).requests == tuple(
            gap for gap in plan.requests if gap not in {one for one, _ in filled}
        )
        for number in revoked[visit : visit + 1]:
            box.revoke(number, now)
        now += timedelta(days=days[visit])


def assert_filled_well(gaps: tuple[Gap, ...], filled: tuple[tuple[Gap, Request], ...], now: datetime) -> None:
    """Assert what must hold of a matching, whatever was matched."""
    used = [gap for gap, _ in filled]
    assert len(used) == len(set(used)), "a gap is filled twice"
    assert len({request.csr.key_sha256 for _, request in filled}) == len(filled), "a key fills two gaps"
    assert all(gap.path == request.path for gap, request in filled), "a request fills another target's gap"
    assert all(gap.issue_from >= now.replace(hour=0) for gap in used), "certified for the past"
    for path in {gap.path for gap in gaps}:
        mine = [gap for gap in gaps if gap.path == path]
        count = sum(gap.path == path for gap in used)
        assert [gap for gap in used if gap.path == path] == mine[:count], "an earlier gap is left open"
    files = [request.file for _, request in filled]
    for path in {request.path for _, request in filled}:
        names = [request.file for _, request in filled if request.path == path]
        assert names == sorted(names), "a later file took an earlier gap"
    assert len(files) == len(set(files))


def test_nothing_is_asked_of_an_empty_plan() -> None:
    assert fill_gaps((), [request_of()]) == ()
    assert fill_gaps(gaps_of(2), []) == ()
    assert codes(admit_requests(judged(request_of()), (), {})) == ["E-REQUEST-GAP"]
