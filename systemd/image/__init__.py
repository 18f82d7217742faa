"""The card to flash: a system that is verified at every read, has no network, and starts PiSM."""
