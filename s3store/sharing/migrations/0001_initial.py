"""The tables of shares."""

import uuid

import django.db.models.deletion
import django.utils.timezone
from django.db import migrations, models

from s3store.sharing.configured import user_model
from s3store.sharing.constraints import check_constraint


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        migrations.swappable_dependency(user_model()),
    ]

    operations = [
        migrations.CreateModel(
            name="Attempt",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("key", models.CharField(max_length=64)),
                (
                    "window",
                    models.BigIntegerField(),
                ),
                ("count", models.BigIntegerField(default=0)),
            ],
            options={
                "indexes": [models.Index(fields=["window"], name="s3store_sharing_attempt_age")],
                "constraints": [
                    models.UniqueConstraint(fields=("key", "window"), name="s3store_sharing_attempt_window")
                ],
            },
        ),
        migrations.CreateModel(
            name="Share",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ("root", models.CharField(blank=True, max_length=255, verbose_name="root")),
                ("path", models.CharField(blank=True, max_length=1024, verbose_name="path")),
                ("path_hash", models.CharField(editable=False, max_length=64)),
                ("is_folder", models.BooleanField(default=False, verbose_name="is a folder")),
                ("email", models.EmailField(max_length=254, verbose_name="e-mail")),
                ("email_key", models.CharField(editable=False, max_length=320)),
                ("can_edit", models.BooleanField(default=False, verbose_name="can edit")),
                ("token_hash", models.CharField(editable=False, max_length=64, unique=True)),
                ("generation", models.PositiveIntegerField(default=1, editable=False)),
                ("password", models.CharField(blank=True, editable=False, max_length=255)),
                ("expires_at", models.DateTimeField(verbose_name="works until")),
                (
                    "max_downloads",
                    models.PositiveIntegerField(blank=True, null=True, verbose_name="maximum number of downloads"),
                ),
                ("downloads", models.PositiveIntegerField(default=0, editable=False, verbose_name="downloads")),
                ("require_account", models.BooleanField(default=False, verbose_name="requires an account")),
                ("message", models.CharField(blank=True, max_length=500, verbose_name="message")),
                (
                    "created_at",
                    models.DateTimeField(default=django.utils.timezone.now, editable=False, verbose_name="shared at"),
                ),
                ("revoked_at", models.DateTimeField(editable=False, null=True, verbose_name="stopped at")),
                ("paused_at", models.DateTimeField(editable=False, null=True, verbose_name="paused at")),
                ("paused_by", models.CharField(blank=True, editable=False, max_length=64)),
                (
                    "created_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=user_model(),
                        verbose_name="shared by",
                    ),
                ),
            ],
            options={
                "verbose_name": "share",
                "verbose_name_plural": "shares",
                "ordering": ["-created_at", "id"],
            },
        ),
        migrations.CreateModel(
            name="AccessLog",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("at", models.DateTimeField(default=django.utils.timezone.now, editable=False, verbose_name="time")),
                ("root", models.CharField(blank=True, max_length=255, verbose_name="root")),
                ("path", models.CharField(blank=True, max_length=1024, verbose_name="path")),
                ("path_hash", models.CharField(editable=False, max_length=64)),
                (
                    "action",
                    models.CharField(
                        choices=[
                            ("opened", "opened"),
                            ("viewed", "viewed"),
                            ("downloaded", "downloaded"),
                            ("uploaded", "uploaded"),
                            ("moved", "moved"),
                            ("deleted", "deleted"),
                            ("restored", "restored"),
                            ("shared", "shared"),
                            ("revoked", "stopped sharing"),
                            ("refused", "refused"),
                        ],
                        max_length=12,
                        verbose_name="action",
                    ),
                ),
                ("actor", models.CharField(blank=True, max_length=300, verbose_name="who")),
                ("network", models.CharField(blank=True, max_length=43, verbose_name="network")),
                ("agent", models.CharField(blank=True, max_length=20, verbose_name="browser")),
                ("detail", models.JSONField(blank=True, default=dict, verbose_name="details")),
                (
                    "user",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=user_model(),
                        verbose_name="user",
                    ),
                ),
                (
                    "share",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="log",
                        to="s3store_sharing.share",
                        verbose_name="share",
                    ),
                ),
            ],
            options={
                "verbose_name": "access",
                "verbose_name_plural": "access log",
                "ordering": ["-at", "-id"],
            },
        ),
        migrations.AddIndex(
            model_name="share",
            index=models.Index(fields=["root", "path_hash"], name="s3store_sharing_share_path"),
        ),
        migrations.AddIndex(
            model_name="share",
            index=models.Index(fields=["email_key", "revoked_at"], name="s3store_sharing_share_email"),
        ),
        migrations.AddIndex(
            model_name="share",
            index=models.Index(fields=["created_by"], name="s3store_sharing_share_creator"),
        ),
        migrations.AddIndex(
            model_name="share",
            index=models.Index(fields=["expires_at"], name="s3store_sharing_share_expiry"),
        ),
        migrations.AddConstraint(
            model_name="share",
            constraint=models.UniqueConstraint(
                condition=models.Q(("revoked_at__isnull", True)),
                fields=("root", "path_hash", "email_key"),
                name="s3store_sharing_share_once",
            ),
        ),
        migrations.AddConstraint(
            model_name="share",
            constraint=check_constraint(
                "s3store_sharing_share_downloads",
                models.Q(
                    ("max_downloads__isnull", True), ("downloads__lte", models.F("max_downloads")), _connector="OR"
                ),
            ),
        ),
        migrations.AddConstraint(
            model_name="share",
            constraint=check_constraint(
                "s3store_sharing_share_lifetime", models.Q(("expires_at__gt", models.F("created_at")))
            ),
        ),
        migrations.AddIndex(
            model_name="accesslog",
            index=models.Index(fields=["root", "-at"], name="s3store_sharing_log_root"),
        ),
        migrations.AddIndex(
            model_name="accesslog",
            index=models.Index(fields=["root", "path_hash", "-at"], name="s3store_sharing_log_path"),
        ),
        migrations.AddIndex(
            model_name="accesslog",
            index=models.Index(fields=["share", "-at"], name="s3store_sharing_log_share"),
        ),
    ]
