"""How music is built: tempo, bars, key, sections."""
