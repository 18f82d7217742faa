"""What the operator types: buffers, words and letters on sixteen keys, and what a screen may draw of it."""
