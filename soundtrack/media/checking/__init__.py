"""Comparison of written films with their sources."""
