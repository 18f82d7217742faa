"""The thread that waits for devices and can be told to stop."""

import os
import queue
import select

from hw.sticks.udev import Watch


def test_it_wakes_for_what_can_be_read_and_for_the_end() -> None:
    watch, heard = Watch("test"), queue.SimpleQueue[dict[int, int] | None]()
    source, sink = os.pipe()

    def run() -> None:
        while (ready := watch.wait(None, source)) is not None:
            os.read(source, 1)
            heard.put(ready)
        heard.put(None)

    watch.start(run)
    os.write(sink, b"x")
    assert heard.get(timeout=10) == {source: select.POLLIN}
    watch.stop()
    assert heard.get(timeout=10) is None
    watch.stop()
    os.close(source)
    os.close(sink)


def test_nothing_is_ready_when_the_time_is_over() -> None:
    watch, heard = Watch("test"), queue.SimpleQueue[dict[int, int] | None]()
    watch.start(lambda: heard.put(watch.wait(0.001)))
    assert heard.get(timeout=10) == {}
    watch.stop()


def test_a_descriptor_that_broke_is_told_as_such() -> None:
    watch, heard = Watch("test"), queue.SimpleQueue[dict[int, int] | None]()
    source, sink = os.pipe()
    os.close(sink)
    watch.start(lambda: heard.put(watch.wait(None, source)))
    assert heard.get(timeout=10) == {source: select.POLLHUP}
    watch.stop()
    os.close(source)


def test_one_that_was_never_started_stops_at_once() -> None:
    Watch("test").stop()
