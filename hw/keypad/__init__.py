"""The 4x4 key matrix: its scan, and its twin."""
