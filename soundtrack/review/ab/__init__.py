"""Blind comparison of the planned music with other music under the same scenes."""
