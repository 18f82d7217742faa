"""The narrow YAML that config.yaml is written in: plain data, the line of every key, and its fit into a type.

1. One document of at most 256 KiB, UTF-8, no control characters, at most 12 levels deep.
2. No anchors, aliases, merge keys, tags or directives: nothing stands for something else.
3. A key is a word, and stands once in its mapping.
4. Numbers are plain decimal or 0x hexadecimal. What YAML 1.1 would silently turn into something else
   (no, 012, 1_000, 1:30, 2027-01-01) must be put in quotes or written plainly. Text is printable
   and on one line.
5. The types of core.policy.settings alone say which keys there are, which kinds of value and which bounds of
   one number. Nothing is converted but a whole number where a fraction may stand.
6. Every error names its line; an unknown key comes with the nearest known one, a value out of range with
   the range.

Rules between values are core.policy.rules'.
"""

import difflib
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

import msgspec
import yaml
from msgspec import inspect

from core.errors import ConfigError, ConfigKeyError, ConfigSyntaxError, ConfigValueError
from core.plain_text import read_plain_text
from core.printable import is_printable

MAX_BYTES: Final = 256 * 1024
MAX_DEPTH: Final = 12
MAX_KEY_CHARACTERS: Final = 64
KeyPath = tuple[str | int, ...]
_INTEGER: Final = re.compile(r"-?(0|[1-9][0-9]{0,17})|0x[0-9a-fA-F]{1,15}")
_FLOAT: Final = re.compile(r"-?(0|[1-9][0-9]{0,17})\.[0-9]{1,17}")
_WORDS: Final[dict[str, bool | None]] = {"true": True, "false": False, "null": None, "~": None, "": None}
_CONTROL: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
_STRING_TAG: Final = "tag:yaml.org,2002:str"
_RESOLVER: Final = yaml.resolver.Resolver
T = TypeVar("T")
_SHOWN_CHARACTERS: Final = 40


def show_path(path: KeyPath) -> str:
    """Return a key path as an operator reads it: `egresses.main-kudo.recipients[0]`."""
    shown = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path)
    return shown.removeprefix(".")


@dataclass(frozen=True, slots=True, kw_only=True)
class YamlSource:
    """What one file says, and where.

    Args:
        name: The file, as errors name it.
        value: Mappings, lists, text, numbers, truth values and None.
        lines: Line of each key path, counted from 1; the empty path is the whole file.
    """

    name: str
    value: Any
    lines: dict[KeyPath, int]

    def error(self, kind: type[ConfigError], path: KeyPath, text: str) -> ConfigError:
        """Return an error that names file, line and key path.

        Args:
            kind: Class of the error.
            path: What is wrong; where it is absent, the line is that of the nearest key above it.
            text: What is wrong with it.
        """
        known = path
        while known not in self.lines:
            known = known[:-1]
        place = f"{self.name} line {self.lines[known]}"
        return kind(f"{place}, {show_path(path)}: {text}" if path else f"{place}: {text}")


def write_yaml(value: Mapping[str, Any]) -> str:
    """Return plain YAML that `read_yaml` reads as the same again, innermost lists and mappings on one line.

    Args:
        value: Mappings, lists, text, numbers, truth values and None, of at most MAX_DEPTH levels.
    """
    return yaml.safe_dump(
        value, default_flow_style=None, sort_keys=False, allow_unicode=True, width=MAX_BYTES
    )


def read_yaml(data: bytes, name: str) -> YamlSource:
    """Read one file.

    Args:
        data: Its bytes, at most 256 KiB.
        name: The file, as errors shall name it.

    Raises:
        ConfigSyntaxError: It breaks a rule of this module's but rule 4 and 5 (E-CONFIG-SYNTAX).
        ConfigValueError: A value breaks rule 4 or 5 (E-CONFIG-VALUE).
    """
    if len(data) > MAX_BYTES:
        raise ConfigSyntaxError(f"{name} is larger than {MAX_BYTES // 1024} KiB")
    plain = read_plain_text(data, lambda what: ConfigSyntaxError(f"{name} {what}"))
    try:
        text = plain.decode()
    except UnicodeDecodeError as error:
        line = plain[: error.start].count(b"\n") + 1
        raise ConfigSyntaxError(f"{name} line {line}: is not UTF-8 text") from None
    if found := _CONTROL.search(text):
        line = text[: found.start()].count("\n") + 1
        raise ConfigSyntaxError(f"{name} line {line}: holds a control character")
    return _Reader(name=name).read(text)


@dataclass(slots=True, kw_only=True)
class _Reader:
    """Builds the value from the parser's events, which show what its nodes hide: tags and anchors."""

    name: str
    lines: dict[KeyPath, int] = field(default_factory=lambda: {(): 1})
    events: Any = None

    def read(self, text: str) -> YamlSource:
        """Return what the only document in `text` says."""
        self.events = yaml.parse(text, Loader=yaml.SafeLoader)
        try:
            documents: list[Any] = []
            for event in self.events:
                if isinstance(event, yaml.DocumentStartEvent):
                    self._check_document(event, before=len(documents))
                    documents.append(self._value(next(self.events), ()))
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            line = mark.line + 1 if mark else 1
            raise ConfigSyntaxError(f"{self.name} line {line}: is not YAML: {error.problem}") from None
        except (yaml.YAMLError, ValueError, OverflowError):
            # An escape such as \UFFFFFFFF is no character; the parser lets chr() complain.
            raise ConfigSyntaxError(f"{self.name}: is not YAML: it holds what is no character") from None
        return YamlSource(name=self.name, value=documents[0] if documents else None, lines=self.lines)

    def _check_document(self, event: Any, *, before: int) -> None:
        if before:
            raise self._syntax(event, "a second document begins; only one may stand in a file")
        if event.version is not None or event.tags:
            raise self._syntax(event, "% directives are not used here")

    def _value(self, event: Any, path: KeyPath) -> Any:
        """Return the value that begins with `event`."""
        if isinstance(event, yaml.AliasEvent):
            raise self._syntax(event, "an alias (*) is not used here; write the value out", path)
        if event.anchor is not None:
            raise self._syntax(event, "an anchor (&) is not used here", path)
        if event.tag is not None:
            raise self._syntax(event, "a tag (!) is not used here", path)
        if len(path) > MAX_DEPTH:
            raise self._syntax(event, f"is nested deeper than {MAX_DEPTH} levels", path)
        if isinstance(event, yaml.ScalarEvent):
            return self._scalar(event, path)
        if isinstance(event, yaml.SequenceStartEvent):
            return self._sequence(path)
        return self._mapping(path)

    def _sequence(self, path: KeyPath) -> list[Any]:
        values: list[Any] = []
        while not isinstance(event := next(self.events), yaml.SequenceEndEvent):
            place = (*path, len(values))
            self.lines[place] = event.start_mark.line + 1
            values.append(self._value(event, place))
        return values

    def _mapping(self, path: KeyPath) -> dict[str, Any]:
        values: dict[str, Any] = {}
        while not isinstance(event := next(self.events), yaml.MappingEndEvent):
            key = self._key(event, path)
            place = (*path, key)
            if key in values:
                raise self._syntax(event, f"stands twice, first on line {self.lines[place]}", place)
            self.lines[place] = event.start_mark.line + 1
            values[key] = self._value(next(self.events), place)
        return values

    def _key(self, event: Any, path: KeyPath) -> str:
        """Return a key, which must be a word."""
        if isinstance(event, yaml.ScalarEvent):
            if event.style is None and event.value == "<<":
                raise self._syntax(event, "a merge key (<<) is not used here", path)
            key = self._value(event, path)
            if isinstance(key, str) and 0 < len(key) <= MAX_KEY_CHARACTERS:
                return key
        elif isinstance(event, yaml.AliasEvent):
            self._value(event, path)
        raise self._syntax(event, f"a key must be a word of at most {MAX_KEY_CHARACTERS} characters", path)

    def _scalar(self, event: Any, path: KeyPath) -> Any:
        """Return text, a number, a truth value or None."""
        written: str = event.value
        if event.style is None:  # no quotes
            if written in _WORDS:
                return _WORDS[written]
            if _INTEGER.fullmatch(written):
                return int(written, 0)
            if _FLOAT.fullmatch(written):
                return float(written)
            if _means_more(written):
                text = f"{written} means something else to YAML: put it in quotes, or write a plain number"
                raise self._place(event, path).error(ConfigValueError, path, text)
        if not is_printable(written):
            text = "must be printable text on one line"
            raise self._place(event, path).error(ConfigValueError, path, text)
        return written

    def _syntax(self, event: Any, text: str, path: KeyPath = ()) -> ConfigError:
        return self._place(event, path).error(ConfigSyntaxError, path, text)

    def _place(self, event: Any, path: KeyPath) -> YamlSource:
        """Return a source that knows only the line of `event`."""
        return YamlSource(name=self.name, value=None, lines={path: event.start_mark.line + 1})


def _means_more(written: str) -> bool:
    """Tell whether YAML 1.1 takes an unquoted word for something else than text: no, 012, 2027-01-01."""
    candidates = _RESOLVER.yaml_implicit_resolvers.get(written[0], [])
    return any(tag != _STRING_TAG and pattern.match(written) for tag, pattern in candidates)


def fit(source: YamlSource, kind: type[T]) -> T:
    """Return what a source says as a value of `kind`.

    Args:
        source: As read_yaml gave it.
        kind: A struct of core.policy.settings.

    Raises:
        ConfigKeyError: A key is unknown or missing (E-CONFIG-KEY).
        ConfigValueError: A value is of another type or out of range (E-CONFIG-VALUE).
    """
    _check(source, inspect.type_info(kind), source.value, ())
    return msgspec.convert(source.value, kind, strict=True)


def _check(source: YamlSource, kind: inspect.Type, value: Any, path: KeyPath) -> None:
    """Check one value and everything inside it."""
    if isinstance(kind, inspect.UnionType):
        if value is None:
            return
        kind = next(one for one in kind.types if not isinstance(one, inspect.NoneType))
    if isinstance(kind, inspect.StructType):
        _check_struct(source, kind, value, path)
    elif isinstance(kind, inspect.DictType):
        for key, inner in _mapping(source, value, path, least=kind.min_length or 0).items():
            _check(source, kind.value_type, inner, (*path, key))
    elif isinstance(kind, inspect.VarTupleType):
        for place, inner in enumerate(_list(source, kind, value, path)):
            _check(source, kind.item_type, inner, (*path, place))
    elif not _fits(kind, value):
        raise source.error(
            ConfigValueError, path, f"must be {_wanted(kind)}, not {_show(value)}{_near(kind, value)}"
        )


def _check_struct(source: YamlSource, kind: inspect.StructType, value: Any, path: KeyPath) -> None:
    values = _mapping(source, value, path)
    known = {entry.encode_name: entry for entry in kind.fields}
    for key in values:
        if key not in known:
            raise _unknown(source, (*path, key), known)
    for name, entry in known.items():
        if name in values:
            _check(source, entry.type, values[name], (*path, name))
        elif entry.required:
            raise source.error(ConfigKeyError, (*path, name), "this key is missing")


def _unknown(source: YamlSource, path: KeyPath, known: Mapping[str, Any]) -> ConfigError:
    near = difflib.get_close_matches(str(path[-1]), known, n=1, cutoff=0.5)
    hint = f"did you mean {near[0]}?" if near else f"known are {', '.join(known)}"
    return source.error(ConfigKeyError, path, f"this key is unknown; {hint}")


def _mapping(source: YamlSource, value: Any, path: KeyPath, least: int = 0) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise source.error(ConfigValueError, path, f"must be a mapping of keys to values, not {_kind(value)}")
    if len(value) < least:
        raise source.error(ConfigValueError, path, f"must have at least {least} entry")
    return value


def _list(source: YamlSource, kind: inspect.VarTupleType, value: Any, path: KeyPath) -> Sequence[Any]:
    if not isinstance(value, list):
        raise source.error(ConfigValueError, path, f"must be a list, such as [a, b], not {_kind(value)}")
    least, most = kind.min_length or 0, kind.max_length
    if len(value) < least or (most is not None and len(value) > most):
        wanted = f"{least}" if least == most else f"{least} to {most}" if most else f"at least {least}"
        raise source.error(ConfigValueError, path, f"must have {wanted} entries, not {len(value)}")
    return value


def _fits(kind: inspect.Type, value: Any) -> bool:
    """Tell whether a single value is of its kind and in its range; True and False are no numbers."""
    if isinstance(kind, inspect.StrType | inspect.BoolType):
        return isinstance(value, str if isinstance(kind, inspect.StrType) else bool)
    if isinstance(value, bool):
        return False
    if isinstance(kind, inspect.LiteralType):
        return any(value == word and type(value) is type(word) for word in kind.values)
    if isinstance(kind, inspect.IntType):
        return isinstance(value, int) and _low(kind) <= value <= _high(kind)
    return (
        isinstance(kind, inspect.FloatType)
        and isinstance(value, int | float)
        and _low(kind) < value <= _high(kind)
    )


def _low(kind: inspect.IntType | inspect.FloatType) -> float:
    """Return the lower bound: of a whole number the least allowed, of a fraction what it must exceed."""
    bound = kind.ge if isinstance(kind, inspect.IntType) else kind.gt
    return -math.inf if bound is None else bound


def _high(kind: inspect.IntType | inspect.FloatType) -> float:
    """Return the greatest value allowed."""
    return math.inf if kind.le is None else kind.le


def _wanted(kind: inspect.Type) -> str:
    """Return in words what a single value must be."""
    if isinstance(kind, inspect.LiteralType):
        return "one of " + ", ".join(str(value) for value in kind.values)
    if isinstance(kind, inspect.IntType):
        return f"a whole number from {kind.ge} to {kind.le}"
    if isinstance(kind, inspect.FloatType):
        return "a number" if kind.le is None else f"a number above {kind.gt} and at most {kind.le}"
    return "true or false" if isinstance(kind, inspect.BoolType) else "text (numbers and dates in quotes)"


def _near(kind: inspect.Type, value: Any) -> str:
    """Return a hint where a word is nearly an allowed one."""
    if not isinstance(kind, inspect.LiteralType):
        return ""
    near = difflib.get_close_matches(str(value), [str(word) for word in kind.values], n=1)
    return f"; did you mean {near[0]}?" if near else ""


def _show(value: Any) -> str:
    """Return a single value as an error shows it: short, and named as YAML names it."""
    if isinstance(value, bool):
        return str(value).lower()
    if not isinstance(value, str | int | float):
        return _kind(value)
    text = str(value)[:_SHOWN_CHARACTERS]
    return f"the text {text!r}" if isinstance(value, str) else text


def _kind(value: Any) -> str:
    """Return what sort of value it is; where a list belongs, somebody may have pasted a private key."""
    if value is None:
        return "empty"
    if isinstance(value, dict | list):
        return "a mapping" if isinstance(value, dict) else "a list"
    return "a single value"
