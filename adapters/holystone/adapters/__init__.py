"""The outside world: registries, credentials, git, werf.yaml. Implements what the engine asks for in its ports."""
