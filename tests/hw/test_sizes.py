"""Sizes as a person reads them."""

import pytest

from hw.sizes import size_text


@pytest.mark.parametrize(
    ("size_bytes", "text"),
    [
        (0, "0 KB"),
        (700, "1 KB"),
        (236_000, "236 KB"),
        (999_999, "1000 KB"),
        (3_134_208, "3.1 MB"),
        (9_949_999, "9.9 MB"),
        (9_999_999, "10 MB"),
        (31_400_000, "31 MB"),
        (7_800_000_000, "7.8 GB"),
        (61_630 << 20, "65 GB"),
    ],
)
def test_a_size_is_two_or_three_digits_and_a_unit(size_bytes: int, text: str) -> None:
    assert size_text(size_bytes) == text
