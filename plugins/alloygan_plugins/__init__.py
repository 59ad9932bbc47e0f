"""First-party plugins, through the same door as anyone's: one folder a paper or method."""

PLUGINS = (
    "jain2024",
    "miyato2018",
    "imagej_particles",
    "phase_statistics",
    "spatial_correlation",
    "line_statistics",
    "orientation",
    "micrographs",
    "batch_samplers",
    "symmetries",
    "spinodal",
    "synthetic_alloy",
    "timm_backbones",
    "lite0_features",
    "local_processes",
    "slurm",
)
