"""Key pairs for tests that take any kind of recipient."""

import os

from core.crypto import bech32
from core.crypto.hybrid import IDENTITY_PREFIX, HybridIdentity


class HybridKey(HybridIdentity):
    """A post-quantum identity of age that says its own line, as pyrage's identities do."""

    def __init__(self) -> None:
        self.text = bech32.encode(IDENTITY_PREFIX, os.urandom(32)).upper()
        super().__init__(self.text)

    def __str__(self) -> str:
        return self.text
