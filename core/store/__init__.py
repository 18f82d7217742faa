"""What is kept, encrypted, and the proof that it is what it was."""
