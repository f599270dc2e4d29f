#!/usr/bin/env python
"""Django's command line for the example project."""

import os
import sys
from pathlib import Path

# The example also runs from a checkout without installing s3store.
sys.path.append(str(Path(__file__).resolve().parent.parent))


def main() -> None:
    """Run a management command."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
    from django.core.management import execute_from_command_line

    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
