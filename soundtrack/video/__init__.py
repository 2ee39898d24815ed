"""Watching a film: one decode feeds shots, film numbers and the clips of the network."""
