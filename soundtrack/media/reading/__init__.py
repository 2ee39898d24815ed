"""Reading of films and tracks: probing, sound, packets."""
