"""Training of the music side."""
