"""Text for the panel: cut to its size, and an error's code in the operator's words."""
