"""Making a round of pseudo-labels, on one or several ranks."""
