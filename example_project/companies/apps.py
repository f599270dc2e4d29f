"""The app of the companies, their members, and what they may use."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class CompaniesConfig(AppConfig):
    """Companies, members, quotas, activity, and the layout of all pages."""

    name = "companies"
    verbose_name = _("Companies")
