"""Commands about films and their sheets."""
