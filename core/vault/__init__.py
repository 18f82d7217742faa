"""The process where keys live, for as long as one connection lasts, and its table of requests."""
