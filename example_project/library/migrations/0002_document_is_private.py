from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("library", "0001_initial"),
    ]

    operations = [
        migrations.AddField(
            model_name="document",
            name="is_private",
            field=models.BooleanField(
                default=False, help_text="Only you and administrators may open it.", verbose_name="private"
            ),
        ),
    ]
