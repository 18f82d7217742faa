"""The format of an archive (docs/archive-format.md), both ways."""
