"""Finding tracks in an index."""
