from django.db import migrations

from s3store.fields import S3FileField


class Migration(migrations.Migration):
    """Documents are uploaded directly to the bucket. The table does not change."""

    dependencies = [
        ("library", "0002_document_is_private"),
    ]

    operations = [
        migrations.AlterField(
            model_name="document",
            name="file",
            field=S3FileField(editable=False, max_length=255, upload_to="documents/%Y/%m/", verbose_name="file"),
        ),
    ]
