"""Speech, singing and music in sound."""
