"""From cue sheet to sound: gains, ducking, crossfades, loudness."""
