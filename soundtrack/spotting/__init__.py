"""Deciding where music starts, stops, and stays out, and which music it is."""
