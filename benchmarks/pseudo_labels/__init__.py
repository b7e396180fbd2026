"""How fast pseudo-labels are made, against two plain implementations."""
