"""Sizes as a person reads them: powers of ten, as they are printed on sticks."""

_UNITS = ((1e9, "GB"), (1e6, "MB"), (1e3, "KB"))
_TEN = 10


def size_text(size_bytes: int) -> str:
    """Return "62 GB", "3.1 MB" or "800 KB": one decimal below ten, but for KB."""
    scale, unit = next(((scale, unit) for scale, unit in _UNITS if size_bytes >= scale), _UNITS[-1])
    size = size_bytes / scale
    return f"{size:.1f} {unit}" if round(size, 1) < _TEN and unit != "KB" else f"{size:.0f} {unit}"
