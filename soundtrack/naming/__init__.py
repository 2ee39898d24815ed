"""Names of tracks, people and files, and words that count."""
