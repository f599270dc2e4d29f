"""What manage.py can do with the files in a bucket."""
