"""What an operator does, one flow one file, read from top to bottom."""
