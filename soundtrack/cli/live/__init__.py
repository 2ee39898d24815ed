"""Commands for a camera."""
