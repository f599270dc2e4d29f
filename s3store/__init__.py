"""Everything between Django and S3."""

__version__ = "0.1.0"
