"""A proxy between a client and its S3 server that delays, breaks and counts what passes."""
