"""A FAT32 volume, read and written in user space by confined mtools."""
