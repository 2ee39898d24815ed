"""From a film to what is known about it."""
