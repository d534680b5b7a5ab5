"""The verbs of each resource: from a request and the storage to a reply, synchronously."""
