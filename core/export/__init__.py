"""Writing an egress or a backup, and what goes beside it."""
