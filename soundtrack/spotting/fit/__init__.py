"""Fit of a track to a cue: entries, bars, seams, hit points, endings."""
