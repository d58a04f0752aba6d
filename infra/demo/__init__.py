"""A simulated archive and an embedded S3 server."""
