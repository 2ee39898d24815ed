"""Weights of networks: the manifest, checking, adding, downloading."""
