"""Training of the picture side."""
