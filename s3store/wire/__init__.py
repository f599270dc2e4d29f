"""One bucket and the requests to it: the only modules that know boto3. Everything that talks to S3 uses them."""
