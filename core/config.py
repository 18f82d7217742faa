"""config.yaml, read strictly into a frozen Config (design 10)."""

from core.settings import (
    Algorithm,
    AuthorityName,
    Backup,
    Config,
    CrlSettings,
    Display,
    Egress,
    Hardware,
    Keypad,
    Kiosk,
    NameConstraints,
    RootSettings,
    SignerSettings,
    Target,
    Urls,
)

__all__ = [
    "Algorithm",
    "AuthorityName",
    "Backup",
    "Config",
    "CrlSettings",
    "Display",
    "Egress",
    "Hardware",
    "Keypad",
    "Kiosk",
    "NameConstraints",
    "RootSettings",
    "SignerSettings",
    "Target",
    "Urls",
]
