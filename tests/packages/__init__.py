"""Other packages that keep files in a Django storage, each doing its main job with files in S3.

They run in tox's environment `packages`, because their requirements are not those of s3store.
"""
