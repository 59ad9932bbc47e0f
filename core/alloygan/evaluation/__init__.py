"""Measuring generated microstructures against real ones."""
