"""Template tags, by their library's name: {% load s3store %}."""
