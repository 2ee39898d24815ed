"""The music library: scanning folders, listening, storing, searching."""
