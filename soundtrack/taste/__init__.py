"""Taste: what playlists, albums, folders and tags say about tracks that belong together."""
