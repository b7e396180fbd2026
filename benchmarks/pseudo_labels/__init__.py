"""Benchmark of pseudo-labels against two plain implementations."""
