"""Where a piece starts, is cut and ends: bars, seams, hit points."""
