"""Measuring the networks and the retrieval."""
