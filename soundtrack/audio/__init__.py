"""Listening to sound: mel spectrograms, tempo, key, loudness, speech, structure."""
