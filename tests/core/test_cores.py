"""Work on all cores: results in their order, few ahead, errors in their place, what a close leaves undone."""

import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import closing

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.pbkdf2 import PBKDF2HMAC

from core.cores import SWITCH_S, count_cores, map_on_cores
from core.crypto.keys import make_key


@pytest.mark.parametrize("threads", [None, 1, 2, 5])
def test_results_come_in_the_order_of_the_values(threads: int | None) -> None:
    turn = threading.Barrier(2) if threads not in (None, 1) else None

    def work(value: int) -> int:
        if turn is not None and value < 2:
            turn.wait(timeout=60)  # the first two are worked on at the same time
        return -value

    assert list(map_on_cores(work, range(50), threads)) == [-value for value in range(50)]


def test_there_is_at_least_one_core() -> None:
    assert count_cores() >= 1


def test_nothing_comes_of_nothing() -> None:
    assert list(map_on_cores(str, (), 3)) == []


@pytest.mark.parametrize(("threads", "most"), [(1, 1), (2, 5), (3, 7)])
def test_few_values_are_taken_ahead(threads: int, most: int) -> None:
    taken: list[int] = []

    def values() -> Iterator[int]:
        for value in range(100):
            taken.append(value)
            yield value

    with closing(map_on_cores(str, values(), threads)) as made:
        for number, _ in enumerate(made):
            assert len(taken) <= number + most


@pytest.mark.parametrize("threads", [1, 2])
def test_an_error_comes_in_its_place(threads: int) -> None:
    made = map_on_cores(lambda value: 1 // value, [2, 1, 0, 1], threads)
    assert [next(made), next(made)] == [0, 1]
    with pytest.raises(ZeroDivisionError):
        next(made)
    assert list(made) == []


def test_what_waits_when_it_is_closed_is_never_done() -> None:
    begun: list[int] = []
    hold, at_work = threading.Event(), threading.Semaphore(0)

    def work(value: int) -> int:
        begun.append(value)
        at_work.release()
        if value > 0:
            hold.wait(timeout=60)
        return value

    before = set(threading.enumerate())
    made = map_on_cores(work, range(1000), 2)
    assert next(made) == 0
    assert all(at_work.acquire(timeout=60) for _ in range(3))  # 0 is done, 1 and 2 are in work
    made.close()
    hold.set()
    for thread in set(threading.enumerate()) - before:
        thread.join(timeout=60)
    assert sorted(begun) == [0, 1, 2]


def test_threads_take_turns_quickly_only_while_they_are_at_work() -> None:
    usual = sys.getswitchinterval()
    with closing(map_on_cores(lambda _: sys.getswitchinterval(), range(9), 2)) as made:
        assert next(made) == pytest.approx(SWITCH_S)
    assert sys.getswitchinterval() == usual
    assert set(map_on_cores(lambda _: sys.getswitchinterval(), range(3), 1)) == {usual}
    with pytest.raises(ZeroDivisionError):
        list(map_on_cores(lambda value: 1 // value, range(9), 2))
    assert sys.getswitchinterval() == usual


LONG = bytes(16 << 20)  # so that hashing it takes a while
KEY = Ed25519PrivateKey.generate()
SIGNATURE = KEY.sign(LONG)
CALLS: dict[str, Callable[[], object]] = {
    "make an RSA key": lambda: make_key("rsa3072"),
    "sign": lambda: KEY.sign(LONG),
    "verify": lambda: KEY.public_key().verify(SIGNATURE, LONG),
    "derive a key": lambda: PBKDF2HMAC(SHA256(), 32, b"salt", 200_000).derive(b"passphrase"),
}


def lets_go(call: Callable[[], object]) -> bool:
    """Tell whether another thread can work during a call that never ends its turn by itself."""
    worked = False
    start = threading.Lock()
    start.acquire()

    def work() -> None:
        nonlocal worked
        with start:
            worked = True

    thread = threading.Thread(target=work)
    thread.start()
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1000)
    try:
        start.release()
        call()
        return worked
    finally:
        sys.setswitchinterval(interval)
        thread.join(timeout=60)


@pytest.mark.parametrize("name", CALLS)
def test_the_library_lets_go_of_the_interpreter_where_threads_are_to_pay(name: str) -> None:
    assert lets_go(CALLS[name])
    assert not lets_go(lambda: sum(range(1_000_000)))
