"""Commands about the music library."""
