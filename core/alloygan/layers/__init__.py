"""Building blocks that several plugins use identically."""
