"""Which images are in use in the user's clusters: kubeconfig → contexts → lists of workloads → words of images."""
