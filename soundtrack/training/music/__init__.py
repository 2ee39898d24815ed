"""Teaching the music side."""
