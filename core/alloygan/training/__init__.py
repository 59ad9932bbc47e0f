"""The training loop and everything that makes a run resumable."""
