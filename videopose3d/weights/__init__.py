"""Weights: what they say of themselves, where they are, and the bundled files."""
