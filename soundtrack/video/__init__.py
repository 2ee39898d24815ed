"""Film analysis: one decode for shots, visual features and the clips of the networks."""
