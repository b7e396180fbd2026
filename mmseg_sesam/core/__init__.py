"""The method: from weak label to pseudo-label, in plain arrays."""
