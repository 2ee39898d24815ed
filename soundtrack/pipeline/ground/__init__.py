"""Basis of all jobs: paths, defaults, progress, caches."""
