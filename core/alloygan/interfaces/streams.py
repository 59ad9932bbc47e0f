"""Random numbers that depend on (seed, stream, images seen) alone, so that a resumed run draws the same ones."""

import hashlib

import torch


def seed_of(*parts: int | str) -> int:
    """A 63-bit seed from any integers and names; stable over processes, platforms and versions."""
    digest = hashlib.blake2b("\x1f".join(map(str, parts)).encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") >> 1


def stream(seed: int, name: str, images_seen: int = 0, device: torch.device | str = "cpu") -> torch.Generator:
    """A fresh generator for one named use of random numbers at one moment of the training."""
    generator = torch.Generator(device=device)
    generator.manual_seed(seed_of(seed, name, images_seen))
    return generator
