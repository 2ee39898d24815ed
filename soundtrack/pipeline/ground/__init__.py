"""What all steps share: paths, defaults, progress, and what is kept from one run to the next."""
