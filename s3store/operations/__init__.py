"""Work on the files of a bucket from the command line. Management commands use it."""
