"""The process where keys live, for as long as one connection lasts."""
