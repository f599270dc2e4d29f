"""The models of shares: what is shared, what happened, and how often a password was tried."""

from s3store.sharing.models.attempt import Attempt
from s3store.sharing.models.log import AccessLog
from s3store.sharing.models.share import Share

__all__ = ["AccessLog", "Attempt", "Share"]
