"""Network definitions and devices."""
