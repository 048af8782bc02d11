"""How is a version of an agreement called?"""

import pytest
from django.utils import translation

from agreements.models import AgreementTemplate


@pytest.mark.parametrize(
    ("name", "english", "korean"),
    [
        ("October 2019", "October 2019", "2019년 10월"),
        ("first version", "first version", "첫 버전"),
        ("Spring edition", "Spring edition", "Spring edition"),
        ("", "", ""),
    ],
)
def test_a_month_is_written_in_the_language_of_the_page(name: str, english: str, korean: str) -> None:
    template = AgreementTemplate(name=name)
    with translation.override("en"):
        assert template.version == english
    with translation.override("ko"):
        assert template.version == korean
