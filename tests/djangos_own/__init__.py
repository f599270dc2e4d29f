"""Django's own tests of storages and static files, run with our storages in place of those that they test.

    .venv/bin/python -m tests.djangos_own

They are in Django's source distribution, which pip downloads for the installed version. `exceptions.csv` names the
tests that are left out, and why: they look at the local disk, or at something else that no storage in S3 has.
"""
