"""The demo: a small film and a small music library, synthesised on demand."""
