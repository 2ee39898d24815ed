"""Cue sheets as pages and pictures."""
