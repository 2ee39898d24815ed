"""The demo: a small film and a small music library, made from nothing but numbers whenever they are wanted."""
