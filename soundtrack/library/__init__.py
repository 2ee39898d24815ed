"""The music library: scan, analyse, store, search."""
