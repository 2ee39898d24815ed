"""Bringing an index up to date with its folders."""
