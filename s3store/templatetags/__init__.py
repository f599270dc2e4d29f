"""Template tags: {% load s3store %}."""
