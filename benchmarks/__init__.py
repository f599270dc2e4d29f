"""Benchmarks of s3store, django-storages and django-s3-storage, with bars that s3store must keep."""
