"""URLs of the companies."""

from django.urls import path

from companies.views import activity, home, mails, members, settings, shared, usage

app_name = "companies"

urlpatterns = [
    path("", home.home, name="home"),
    path("companies/new/", home.new, name="new"),
    path("invitation/<str:token>/", members.accept, name="invitation"),
    path("mails/", mails.mails, name="mails"),
    path("mails/<int:pk>/", mails.mails, name="mail"),
    path("mails/<int:pk>/html/", mails.mail_html, name="mail_html"),
    path("shared-with-me/", shared.shared_with_me, name="shared_with_me"),
    path("shared-by-us/", home.home),  # the library's own list: here each company has one
    path("c/<slug:slug>/", home.opened, name="open"),
    path("c/<slug:slug>/activity/", activity.activity_page, name="activity"),
    path("c/<slug:slug>/members/", members.members_page, name="members"),
    path("c/<slug:slug>/members/invite/", members.invite, name="invite"),
    path("c/<slug:slug>/members/invitations/<int:pk>/send/", members.send_again, name="send_again"),
    path("c/<slug:slug>/members/invitations/<int:pk>/withdraw/", members.withdraw, name="withdraw"),
    path("c/<slug:slug>/members/<int:pk>/role/", members.change_role, name="change_role"),
    path("c/<slug:slug>/members/<int:pk>/remove/", members.remove, name="remove_member"),
    path("c/<slug:slug>/settings/", settings.settings_page, name="settings"),
    path("c/<slug:slug>/shared/", shared.shared_page, name="shared"),
    path("c/<slug:slug>/shared/<uuid:share>/stop/", shared.stop, name="stop"),
    path("c/<slug:slug>/shared/<uuid:share>/log/", shared.share_log, name="share_log"),
    path("c/<slug:slug>/usage/", usage.usage_page, name="usage"),
    path("c/<slug:slug>/usage/empty-trash/", usage.empty_trash, name="empty_trash"),
    path("c/<slug:slug>/usage/count/", usage.count_again, name="count_again"),
]
