"""Map of the library as a page: tracks by mood or by likeness, and playlists along a drawn path."""
