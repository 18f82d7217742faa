"""USB sticks: which are in, what else was put in and refused, and their twins."""
