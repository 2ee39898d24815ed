"""Bounded reads, atomic writes, protection of existing files."""
