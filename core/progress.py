"""How long work says how far it is: one shape for everybody, from the vault to the bar on a terminal."""

from collections.abc import Callable

Progress = Callable[[int, int, str], None]
"""Told units done, units in all (0: nobody knows) and what they are; may raise to end the work."""
