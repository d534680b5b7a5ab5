"""What werf builds, by the layout of its versions."""
