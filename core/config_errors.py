"""What is refused of config.yaml and of the public keys that it names; core.errors has them all."""

from typing import ClassVar

from core.refusal import CaError


class ConfigError(CaError):
    """config.yaml cannot be used; the text names file, line and key path."""

    code = "E-CONFIG"
    action: ClassVar[tuple[str, ...]] = ("Correct config.yaml", "on a PC")


class ConfigSyntaxError(ConfigError):
    """The file is not plain YAML: too large, an alias, a duplicate key, not a mapping."""

    code = "E-CONFIG-SYNTAX"


class ConfigKeyError(ConfigError):
    """A key is unknown or missing."""

    code = "E-CONFIG-KEY"


class ConfigValueError(ConfigError):
    """A value has the wrong type or lies outside its range."""

    code = "E-CONFIG-VALUE"


class ConfigVisitError(ConfigError):
    """A lead time or the CRL lifetime is shorter than visit_every_days + spread_days."""

    code = "E-CONFIG-VISIT"
    action = ("Lead times must be at", "least visit + spread", "days")


class RecipientError(CaError):
    """A recipient cannot be used: missing, garbage, or of an unknown kind."""

    code = "E-RECIPIENT"
    action: ClassVar[tuple[str, ...]] = ("Put the server's", "public key in its", "file")


class RecipientPrivateError(RecipientError):
    """The file holds a private key, which must never come here."""

    code = "E-RECIPIENT-PRIVATE"
    action = ("Replace this key pair", "its private half was", "carried about")


class RecipientWeakError(RecipientError):
    """The key is too weak: RSA below 3072 bits, or a point of low order."""

    code = "E-RECIPIENT-WEAK"
    action = ("Make a new age or", "ed25519 key")
