"""Plan of the music of a whole film."""
