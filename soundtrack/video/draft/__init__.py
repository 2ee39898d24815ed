"""Draft of a film: key frames and packet sizes only, for a first look at hours of film."""
