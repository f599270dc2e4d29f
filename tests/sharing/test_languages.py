"""The pages and mails of shares in the languages that s3store has."""

from __future__ import annotations

import pytest
from django.utils.translation import override

from tests.sharing.conftest import at

pytestmark = pytest.mark.django_db

LANGUAGES = {
    "de": ("Lena Vogt hat eine Datei für Sie freigegeben", "Herunterladen", "Dieser Link ist nicht mehr gültig."),
    "fr": ("Lena Vogt a partagé un fichier avec vous", "Télécharger", "Ce lien n’est plus valable."),
    "es": ("Lena Vogt ha compartido un archivo con usted", "Descargar", "Este enlace ya no es válido."),
    "ja": ("Lena Vogt さんがファイルを共有しました", "ダウンロード", "このリンクは終了しました。"),
    "zh-hans": ("Lena Vogt 与您共享了一个文件", "下载", "此链接已失效。"),
}


@pytest.mark.parametrize(("language", "words"), LANGUAGES.items())
def test_pages_and_mails_are_translated(share, guest, mailoutbox, django_capture_on_commit_callbacks, language, words):
    """In the language that is active, and each page says which one it is."""
    subject, button, ended = words
    with override(language):
        with django_capture_on_commit_callbacks(execute=True):
            made, link = share("offer.pdf")
        page = guest.open(link).content.decode()
        made.revoke()
        gone = guest.get(at(made)).content.decode()
    assert mailoutbox[0].subject == subject
    assert f'<html lang="{language}">' in page
    assert f">{button}</button>" in page
    assert ended in gone
