"""From micrographs as a microscope gives them to a data set: cracks, regions, scale, contrast, and a page to review."""
