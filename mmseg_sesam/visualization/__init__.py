"""Pictures of labels."""
