"""Conditions and patches: the condition space, real images cut to patches, and their grey levels."""
