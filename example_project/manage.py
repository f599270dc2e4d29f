#!/usr/bin/env python
"""Django's command line for the example project."""

import os
import sys
from pathlib import Path

# The example runs from a checkout, whether s3store is installed or not.
sys.path.append(str(Path(__file__).resolve().parent.parent))


def main() -> None:
    """Run one administrative command."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
    from django.core.management import execute_from_command_line

    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
