"""Work on all cores: one function over many values, in threads of this process, its results in their order.

1. It pays where the function spends its time in calls that let go of the interpreter's lock: making RSA keys,
   signing and verifying with any algorithm, PBKDF2. The one core that is left to all else is the bound.
2. Threads, not processes: no key and no root's signing key crosses a pipe, is in a second process, or
   outlives this one.
3. While threads are at work, one that comes back from such a call has the interpreter within SWITCH_S and not
   after the usual 5 ms, in which it would make no signature where it can make a hundred.
4. Few values are taken ahead of whoever asks, so memory stays flat however many there are.
"""

import os
import sys
from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Final, TypeVar

SWITCH_S: Final = 0.0002
_AHEAD: Final = 2  # for each thread: one in work, one waiting, so that a slow one in front stops nobody

ValueT = TypeVar("ValueT")
ResultT = TypeVar("ResultT")


def count_cores() -> int:
    """Return how many cores this process may use."""
    return len(os.sched_getaffinity(0))


def map_on_cores(
    function: Callable[[ValueT], ResultT], values: Iterable[ValueT], threads: int | None = None
) -> Generator[ResultT]:
    """Yield what a function makes of each value, in the order of the values.

    Closing the generator drops what is waiting; what is in work is finished by its thread, and forgotten.

    Args:
        function: Called in any thread, with several values at the same time.
        values: Taken one by one by the thread that asks for results, at most twice `threads` ahead.
        threads: How many; as many as there are cores for this process, if None. With one, nothing is ahead
            and no thread is made.

    Raises:
        Exception: Whatever the function raises, in the place of its result.
    """
    number = count_cores() if threads is None else threads
    if number == 1:
        yield from map(function, values)
        return
    pool = ThreadPoolExecutor(number, thread_name_prefix="core")
    ahead: deque[Future[ResultT]] = deque()
    usual_s = sys.getswitchinterval()
    sys.setswitchinterval(min(usual_s, SWITCH_S))
    try:
        for value in values:
            ahead.append(pool.submit(function, value))
            if len(ahead) > _AHEAD * number:
                yield ahead.popleft().result()
        while ahead:
            yield ahead.popleft().result()
    finally:
        sys.setswitchinterval(usual_s)
        pool.shutdown(wait=False, cancel_futures=True)
