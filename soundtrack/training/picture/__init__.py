"""Teaching the picture side."""
