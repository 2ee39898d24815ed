"""What faces in a film express."""
