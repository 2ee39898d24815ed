"""Names of tracks, artists and files; words of mood."""
