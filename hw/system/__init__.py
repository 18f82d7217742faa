"""The clock, the power switch and the sensors of the box, and their twins."""
