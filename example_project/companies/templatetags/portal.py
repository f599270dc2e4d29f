"""Tags and filters of the portal's templates: icons, sizes, dates, and people."""

from datetime import datetime
from typing import Any

from django import template
from django.utils import timezone
from django.utils.dateformat import format as format_date
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from companies.explaining import explained
from companies.people import initials, name_of
from companies.sizes import readable_size
from s3store.folders import Entry

register = template.Library()

register.filter("size", readable_size)
register.filter("person", name_of)
register.filter("initials", initials)


@register.simple_tag
def icon(name: str, label: str = "") -> SafeString:
    """Return an icon of the sprite. Without a label, screen readers skip it."""
    if label:
        return format_html('<svg class="icon" role="img" aria-label="{}"><use href="#i-{}"/></svg>', label, name)
    return format_html('<svg class="icon" aria-hidden="true"><use href="#i-{}"/></svg>', name)


@register.simple_tag
def kind_icon(kind: str) -> SafeString:
    """Return the icon of a kind of file, in its colour: `kind` of an Entry."""
    return format_html('<svg class="icon kind kind-{}" aria-hidden="true"><use href="#i-kind-{}"/></svg>', kind, kind)


@register.filter
def day(moment: datetime | None) -> str:
    """Return a date like "3 May 2026" in a <time> element, or an en dash for None."""
    if moment is None:
        return "–"
    local = timezone.localtime(moment)
    return format_html('<time datetime="{}">{}</time>', local.isoformat(), format_date(local, "j M Y"))


@register.filter
def moment(moment: datetime | None) -> str:
    """Return a date and time like "Today 14:02" or "3 May 2026, 14:02" in a <time> element."""
    if moment is None:
        return "–"
    local = timezone.localtime(moment)
    days = (timezone.localdate() - local.date()).days
    clock = format_date(local, "H:i")
    names = {0: _("Today %(time)s"), 1: _("Yesterday %(time)s")}
    text = names[days] % {"time": clock} if days in names else f"{format_date(local, 'j M Y')}, {clock}"
    return format_html('<time datetime="{}">{}</time>', local.isoformat(), text)


@register.simple_tag(takes_context=True)
def query(context: dict[str, Any], **changes: Any) -> str:
    """Return the query string of this page with some parameters changed. None removes one."""
    parameters = context["request"].GET.copy()
    for name, value in changes.items():
        if value is None:
            parameters.pop(name, None)
        else:
            parameters[name] = value
    return f"?{parameters.urlencode()}" if parameters else "?"


@register.filter
def kind(name: str) -> str:
    """Return the kind of a file by its name, for `kind_icon`."""
    return Entry(name=name, path=name).kind


@register.filter
def shown_path(path: str) -> str:
    """Return a path with invisible characters made visible."""
    return Entry(name=path, path=path).shown


@register.simple_tag
def how_it_works(name: str) -> SafeString:
    """Return what a page does in a sentence, and the lines of code that do it."""
    text, function = explained(name)
    return format_html('<p>{}</p><pre tabindex="0"><code>{}</code></pre>', text, function)
