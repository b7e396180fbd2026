"""Selection of masks, measured against the best that candidates allow."""
