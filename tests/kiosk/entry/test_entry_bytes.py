"""What a key press of the entry costs on the display's bus, by the driver's own reckoning."""

import random
import statistics

import pytest
from mnemonic import Mnemonic

from hw.display.windows import find_windows, to_pages
from kiosk.entry.buffers import Purpose
from kiosk.entry.entry import Entry, Mode
from kiosk.entry.words import fewest_keys
from kiosk.screens.drawing import draw
from kiosk.screens.page import Entry as EntryPage

ADDRESS_BYTES = 9  # set the window on an SSD1306 over I2C, and begin to write
ENTRIES = 8


@pytest.mark.parametrize("total", [None, 8])
def test_key_press_sends_few_bytes(total: int | None) -> None:
    dice, words = random.Random(1), Mnemonic("english").wordlist
    page = EntryPage(purpose=Purpose.REPEAT if total else Purpose.UNLOCK)
    costs = []
    for _ in range(ENTRIES):
        entry, now = Entry(modes=(Mode.WORDS,) if total else tuple(Mode), total=total), 0.0
        shown = to_pages(draw(page, entry.view(now)))
        for word in dice.sample(words, 8):
            for key in fewest_keys(word):
                now += 1
                entry.press(key, now)
                wanted = to_pages(draw(page, entry.view(now)))
                windows = find_windows(shown, wanted, address_bytes=ADDRESS_BYTES, join_pages=True)
                costs.append(sum(window.size + ADDRESS_BYTES for window in windows))
                shown = wanted
    print(f"bytes a key press: median {statistics.median(costs)}, worst {max(costs)}")
    assert (
        statistics.median(costs) <= 96
    )  # a letter; the first of a word takes "#done" or the stars away, too
    assert max(costs) <= 400
