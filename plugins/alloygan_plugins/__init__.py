"""First-party plugins, through the same door as anyone's: one folder a paper or method."""

PLUGINS = (
    "jain2024",
)
