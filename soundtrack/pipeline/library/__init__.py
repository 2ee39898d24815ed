"""From folders of music to an index that can be searched."""
