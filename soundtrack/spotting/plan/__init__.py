"""The music of the whole film at once."""
