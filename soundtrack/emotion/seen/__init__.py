"""What there is to see: stills, the things in them, and how the film is cut."""
