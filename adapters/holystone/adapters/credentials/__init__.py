"""Who we are to a registry: the Secret type, Docker's configuration and its credential helpers."""
