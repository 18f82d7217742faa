"""The loop of the real box, its settings, and its first and last picture."""
