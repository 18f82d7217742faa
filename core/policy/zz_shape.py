"""Fits plain data from config.yaml into a settings type, key by key, so that an error can name its line.

Rules:
    1. The types of core.policy.settings are the only description of keys, kinds of value and bounds of one number.
    2. Nothing is converted but a whole number where a fraction may stand.
    3. An unknown key comes with the nearest known one; a value out of range with the range.

Rules between values are core.policy.rules'.
"""

import difflib
import math
from collections.abc import Mapping, Sequence
from typing import Any, Final, TypeVar

import msgspec
from msgspec import inspect

from core.errors import ConfigError, ConfigKeyError, ConfigValueError
from core.policy.yaml import KeyPath, YamlSource

T = TypeVar("T")
_SHOWN_CHARACTERS: Final = 40


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
