"""What films and tracks hold: probing, sound, packets."""
