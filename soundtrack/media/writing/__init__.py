"""Films: what containers hold, and putting streams into them."""
