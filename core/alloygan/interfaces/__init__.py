"""What parts of a GAN look like to each other: modules, and the frozen dataclasses that pass between them."""
