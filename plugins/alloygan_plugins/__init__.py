"""First-party plugins, through the same door as anyone's: one folder a paper or method."""

PLUGINS = (
    "jain2024",
    "miyato2018",
    "imagej_particles",
    "phase_statistics",
    "spatial_correlation",
    "micrographs",
    "batch_samplers",
    "symmetries",
    "spinodal",
    "timm_backbones",
    "lite0_features",
    "synthetic_alloy",
)
