"""Whether a picture finds its own music within a longer track."""
