"""Segmenters: they answer point prompts with candidate masks."""
