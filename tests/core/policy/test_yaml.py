"""Only plain YAML is read, and every refusal names file and line."""

import contextlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import ConfigError, ConfigSyntaxError
from core.policy.yaml import MAX_BYTES, read_yaml, show_path, write_yaml


def read(text: str | bytes) -> Any:
    return read_yaml(text.encode() if isinstance(text, str) else text, "config.yaml").value


def test_reads_mappings_lists_text_and_numbers() -> None:
    text = (
        "---\na: {b: 1, c: 0.5, d: -3}\ne:\n  - x\n  - 'no'\n  - \"1\"\nf: 0x3c\ng: true\nh:\ni: ~\nj: é ü\n"
    )
    assert read(text) == {
        "a": {"b": 1, "c": 0.5, "d": -3},
        "e": ["x", "no", "1"],
        "f": 60,
        "g": True,
        "h": None,
        "i": None,
        "j": "é ü",
    }


def test_byte_order_mark_and_windows_line_ends_are_fine() -> None:
    assert read(b"\xef\xbb\xbfa: 1\r\nb: 2\r\n") == {"a": 1, "b": 2}


def test_every_key_has_its_line() -> None:
    source = read_yaml(b"a:\n  b: 1\n  c:\n    - x\n    - {d: 2}\n", "config.yaml")
    assert source.lines == {
        (): 1,
        ("a",): 1,
        ("a", "b"): 2,
        ("a", "c"): 3,
        ("a", "c", 0): 4,
        ("a", "c", 1): 5,
        ("a", "c", 1, "d"): 5,
    }
    assert (
        str(source.error(ConfigError, ("a", "c", 1, "e", "f"), "bad"))
        == "config.yaml line 5, a.c[1].e.f: bad"
    )
    assert str(source.error(ConfigError, (), "bad")) == "config.yaml line 1: bad"


def test_path_is_shown_as_the_operator_reads_it() -> None:
    assert show_path(("egresses", "main-kudo", "recipients", 0)) == "egresses.main-kudo.recipients[0]"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: 1\nb: {c: 2,\n  c: 3}\n", "config.yaml line 3, b.c: stands twice, first on line 2"),
        ("a: 1\n'a': 2\n", "config.yaml line 2, a: stands twice, first on line 1"),
        ("a: &x 1\nb: 2\n", "config.yaml line 1, a: an anchor"),
        ("a: &x {b: 1}\n", "line 1, a: an anchor"),
        ("a: 1\nb: *x\n", "config.yaml line 2, b: an alias"),
        ("*x : 1\n", "line 1: an alias"),
        ("a:\n  <<: {b: 1}\n", "config.yaml line 2, a: a merge key"),
        ("a: !!str 1\n", "line 1, a: a tag"),
        ("a: ! x\n", "line 1, a: a tag"),
        ("a: !!python/object:os.system {}\n", "line 1, a: a tag"),
        ("!x a: 1\n", "line 1: a tag"),
        ("a: 1\n---\nb: 2\n", "config.yaml line 2: a second document"),
        ("---\n---\na: 1\n", "config.yaml line 2: a second document"),
        ("%YAML 1.1\n---\na: 1\n", "line 1: % directives"),
        ("%TAG ! x:\n---\na: 1\n", "line 1: % directives"),
        ("a: 1\nb: [1, 2\nc: 3\n", "config.yaml line 3: is not YAML: "),
        ("a: 1\n\tb: 2\n", "config.yaml line 2: is not YAML: "),
        ("a: b: c\n", "line 1: is not YAML"),
        ("a: 'open\n", "line 2: is not YAML"),
        ("? [a]\n: 1\n", "line 1: a key must be a word"),
        ("? {a: 1}\n: 1\n", "line 1: a key must be a word"),
        ("1: 2\n", "line 1: a key must be a word"),
        ("true: 2\n", "line 1: a key must be a word"),
        ("'': 2\n", "line 1: a key must be a word"),
        ("a" * 65 + ": 2\n", "line 1: a key must be a word of at most 64"),
        ("a: " + "[" * 13 + "]" * 13, "is nested deeper than 12 levels"),
        ("a: " + "[" * 100_000, "is nested deeper than 12 levels"),
        ("{a: " * 60_000, "is nested deeper than 12 levels"),
        ('a: "\\U00110000"\n', "is not YAML: it holds what is no character"),
        ("a: \ufffe\n", "is not YAML: it holds what is no character"),
        ("a: 1\nb: \x07\n", "config.yaml line 2: holds a control character"),
        ("a: 1 # \x9b\n", "config.yaml line 1: holds a control character"),
        (b"a: 1\nb: \xff\n", "config.yaml line 2: is not UTF-8 text"),
        (b"\xff\xfea\x00", "config.yaml is UTF-16 text: save it as UTF-8"),
        (b"#" * (MAX_BYTES + 1), "config.yaml is larger than 256 KiB"),
    ],
)
def test_anything_but_plain_yaml_is_refused(text: str | bytes, message: str) -> None:
    with pytest.raises(ConfigSyntaxError) as caught:
        read(text)
    assert message in str(caught.value)
    assert caught.value.code == "E-CONFIG-SYNTAX"


@pytest.mark.parametrize(
    "word",
    [
        *(
            "no",
            "NO",
            "yes",
            "on",
            "Off",
            "True",
            "NULL",
            "012",
            "1_000",
            "1:30",
            "0b1",
            "+1",
            "1.",
            "9" * 19,
        ),
        *(".5", "1.5e+3", ".inf", "-.inf", ".nan", "2027-01-01", "2027-01-01 10:00:00", "="),
    ],
)
def test_unquoted_word_that_means_something_else_to_yaml_is_refused(word: str) -> None:
    with pytest.raises(ConfigError) as caught:
        read(f"x: 1\na: {word}\n")
    assert str(caught.value).startswith(f"config.yaml line 2, a: {word} means something else to YAML")
    assert caught.value.code == "E-CONFIG-VALUE"
    assert read(f"a: '{word}'") == {"a": word}


@pytest.mark.parametrize("word", ["0o17", "1e3", "-.5", "1.2.3", "a-1"])
def test_word_that_is_text_to_yaml_stays_text(word: str) -> None:
    assert read(f"a: {word}") == {"a": word}


@pytest.mark.parametrize(
    "value", ['"a\\nb"', '"\\u202e"', '"\\ud800"', '"\\x00"', "|\n  two\n  lines", '"a\\tb"']
)
def test_text_is_printable_and_on_one_line(value: str) -> None:
    with pytest.raises(ConfigError, match="line 1, a: must be printable text on one line") as caught:
        read(f"a: {value}\n")
    assert caught.value.code == "E-CONFIG-VALUE"


@pytest.mark.parametrize(
    "text", ["no", "012", "1_000", "1:30", "2027-01-01", "~", "", "a: b", "# c", "* &x", "x" * 300]
)
def test_what_is_written_is_read_as_the_same(text: str) -> None:
    value = {
        "text": text,
        "list": [text, "services/*"],
        "deep": {"a": {"half": 0.5, "pin": 60, "own": False}},
    }
    written = write_yaml(value)
    assert read_yaml(written.encode(), "x").value == value
    assert "\ndeep:\n  a: {half: 0.5, pin: 60, own: false}\n" in written


def test_empty_file_says_nothing() -> None:
    assert read("") is None
    assert read("# only a comment\n") is None


@given(
    st.binary(max_size=200) | st.text(alphabet="ab: -[]{}&*!|>'\"%@#\n,?<~0.1", max_size=60).map(str.encode)
)
def test_any_bytes_are_read_or_refused_by_our_own_error(data: bytes) -> None:
    with contextlib.suppress(ConfigError):
        read_yaml(data, "config.yaml")
