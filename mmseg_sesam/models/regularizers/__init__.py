"""Loss terms that need no labels."""
