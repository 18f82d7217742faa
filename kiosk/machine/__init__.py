"""What is true in all flows: the machine runs them, locks, dims, and minds the vault, sticks and power."""
