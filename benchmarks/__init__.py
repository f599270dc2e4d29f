"""s3store, django-storages and django-s3-storage side by side, held to the bars that s3store promises."""
