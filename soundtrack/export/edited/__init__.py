"""The way back: time lines that another program edited, as changes of the cue sheet that they were exported from."""
