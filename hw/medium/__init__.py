"""What a stick is to the kernel: a block node or an image file, claimed, flushed, read past the cache."""
