"""One bucket and the requests to it, by boto3. Everything that talks to S3 uses it."""
