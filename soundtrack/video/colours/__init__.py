"""Colours of shots, and what they say about where scenes begin."""
