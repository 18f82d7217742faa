"""USB sticks as the kernel and udev tell of them, and their twins."""
