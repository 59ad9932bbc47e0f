"""What a user writes, as frozen pydantic models; never imports torch."""
