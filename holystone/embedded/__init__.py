"""An OCI registry inside the process: for the demo, for the tests, and the ground that vendor emulators stand on."""
