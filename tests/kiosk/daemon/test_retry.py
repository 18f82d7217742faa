"""When a device that failed is tried again."""

from kiosk.daemon.timers import RETRY_S, Retry


def test_what_works_is_never_due() -> None:
    retry = Retry()
    assert retry.is_first
    assert retry.due_s is None
    assert not retry.is_due(1e9)


def test_pauses_grow_to_the_last_and_stay_there() -> None:
    retry, now_s, pauses = Retry(), 0.0, []
    for _ in range(len(RETRY_S) + 2):
        retry.fail(now_s)
        assert retry.due_s is not None
        pauses.append(retry.due_s - now_s)
        now_s = retry.due_s
    assert pauses == [*RETRY_S, RETRY_S[-1], RETRY_S[-1]]


def test_failures_meanwhile_do_not_put_the_next_try_off() -> None:
    retry = Retry()
    retry.fail(10)
    for now_s in (10.1, 10.2, 10.3):
        retry.fail(now_s)
    assert retry.due_s == 10 + RETRY_S[0]
    assert not retry.is_due(10.4)
    assert retry.is_due(10.5)


def test_a_success_begins_anew() -> None:
    retry = Retry()
    retry.fail(0)
    retry.fail(1)
    retry.succeed()
    assert retry.is_first
    retry.fail(50)
    assert retry.due_s == 50 + RETRY_S[0]
