"""A twin of each device of `hw`, part of the product: it serves the emulator, the demo and the tests."""
