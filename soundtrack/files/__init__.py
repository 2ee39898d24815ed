"""Reading and writing files with care: bounded reads, whole writes, and what may never be overwritten."""
