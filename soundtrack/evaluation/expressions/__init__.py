"""Expressions of faces, measured."""
