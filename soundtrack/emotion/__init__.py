"""Networks that read emotion from picture and music, and the space they share."""
