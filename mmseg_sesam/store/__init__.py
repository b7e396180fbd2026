"""The rounds of a run's pseudo-labels on disk."""
