"""Whether tools/suggest.py finds better images than chance."""
