"""What takes time: the talk with the vault, and the work on sticks."""
