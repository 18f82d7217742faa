"""What is seen: pages, the canvas that they are drawn on, and the reader that reads them back."""
