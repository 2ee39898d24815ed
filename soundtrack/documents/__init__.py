"""Scene sheets and cue sheets: the format, its limits, reading and writing."""
