"""The clock and the power switch of the box, and their twins."""
