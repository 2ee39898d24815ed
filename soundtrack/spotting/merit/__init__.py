"""Suitability of music for a scene, with reasons."""
