"""Tests in a browser: `manage.py test files.browser_tests -p "*.py"`. The bucket is on another origin: SeaweedFS."""
