"""A cue sheet in the formats of other programs."""
