"""Sequences to learn from and to measure on: one file per data set."""
