"""Muxing of films, and what containers can hold."""
