"""Work on the files of a bucket. Management commands use it."""
