"""The clock, the power switch, and system calls; and the twins of the first two."""
