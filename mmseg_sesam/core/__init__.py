"""The method in plain arrays: from weak label to pseudo-label."""
