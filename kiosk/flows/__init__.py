"""What an operator does, one flow one file, read from top to bottom; and the machine that runs them."""
