"""Sound analysis: mel spectrograms, tempo, key, loudness, speech, structure."""
