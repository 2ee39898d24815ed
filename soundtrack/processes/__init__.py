"""Child processes, signals, memory and module path."""
