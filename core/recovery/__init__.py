"""The way back from a backup, and the proof that there is one."""
