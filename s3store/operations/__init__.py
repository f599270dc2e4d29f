"""The work of management commands."""
