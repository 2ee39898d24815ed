"""Child processes, signals, memory and the surroundings that code is loaded from."""
