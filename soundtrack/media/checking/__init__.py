"""Whether what was written is what was read."""
