"""The frame of the pages: form fields, what is wrong with them, tags, and who sees what in the navigation."""

import datetime as dt
import re
from types import SimpleNamespace
from typing import Any

import pytest
from django import forms
from django.contrib.auth.models import AnonymousUser
from django.template import engines
from django.test import RequestFactory
from django.utils import timezone, translation

from agreements.standing import StandingWord
from customers.models import Customer
from mca_portal.pages import formatting
from mca_portal.staff.roles import Role
from tests.factories import make_account, make_staff


class Example(forms.Form):
    company = forms.CharField(label="Company name", help_text="The exact <legal> name")
    prefix = forms.CharField(
        label="Domain prefix", help_text="Letters only", widget=forms.TextInput(attrs={"data-suffix": ".onmicrosoft.com"})
    )
    line2 = forms.CharField(label="Address line 2", required=False, widget=forms.TextInput(attrs={"data-width": "l", "class": "mine"}))
    country = forms.ChoiceField(label="Country/region", choices=[("KR", "Korea")])
    who = forms.ChoiceField(label="Who accepted?", choices=[("p", "The primary contact"), ("o", "Someone else")], widget=forms.RadioSelect)
    attested = forms.BooleanField(label="The customer has accepted", required=False)
    first_name = forms.CharField(required=False)
    last_name = forms.CharField(required=False)
    kept = forms.CharField(required=False, widget=forms.HiddenInput)

    def clean(self) -> None:
        raise forms.ValidationError("The two do not <fit>.")


def render(source: str, request: Any = None, **context: Any) -> str:
    return engines["django"].from_string(source).render(context, request)


def field(name: str, data: dict[str, str] | None = None) -> str:
    return render("{{ field.as_field_group }}", field=Example(data)[name])


def test_a_field_has_its_label_then_its_hint_then_its_control() -> None:
    html = field("company")
    assert html.index('<label for="id_company">') < html.index('id="id_company_helptext"') < html.index("<input")
    assert 'aria-describedby="id_company_helptext"' in html
    assert 'class="form-control"' in html
    assert "&lt;legal&gt;" in html
    assert "mp-invalid" not in html


def test_an_error_is_said_between_hint_and_control_and_tied_to_it() -> None:
    html = field("company", {})
    assert html.index("_helptext") < html.index('<ul class="mp-error" id="id_company_error">') < html.index("<input")
    assert 'aria-describedby="id_company_helptext id_company_error"' in html
    assert 'aria-invalid="true"' in html
    assert '<span class="visually-hidden">Error: </span>' in html


def test_every_id_that_describes_a_control_is_there() -> None:
    html = render("{{ form }}", form=Example({}))
    named = {word for group in re.findall(r'aria-describedby="([^"]+)"', html) for word in group.split()}
    assert named
    assert {word for word in named if f'id="{word}"' not in html} == set()


def test_only_what_may_stay_empty_is_marked_optional() -> None:
    assert "(optional)" in field("line2")
    assert "(optional)" not in field("company")
    assert "(optional)" not in field("attested")


def test_a_widget_says_its_width_and_keeps_its_own_class() -> None:
    html = field("line2")
    assert 'class="mp-field mp-field-l"' in html
    assert 'class="form-control mine"' in html


def test_a_fixed_ending_stands_after_the_control_and_describes_it() -> None:
    html = field("prefix", {})
    assert '<span class="input-group-text" id="id_prefix_suffix">.onmicrosoft.com</span>' in html
    assert 'aria-describedby="id_prefix_helptext id_prefix_suffix id_prefix_error"' in html


def test_radio_buttons_are_one_group_with_a_legend() -> None:
    html = field("who", {})
    assert "<legend>Who accepted?</legend>" in html
    assert '<fieldset class="mp-field mp-invalid" aria-describedby="id_who_error">' in html
    assert html.count('class="form-check-input"') == 2
    assert '<label for="id_who_1">Someone else</label>' in html


def test_a_select_and_a_check_box_have_their_own_classes() -> None:
    assert 'class="form-select"' in field("country")
    assert 'class="form-check-input"' in field("attested")


def test_a_hidden_field_has_no_label() -> None:
    assert "<label" not in field("kept")


def test_the_summary_links_each_problem_to_its_field() -> None:
    html = render("{% error_summary form %}", form=Example({}))
    assert 'tabindex="-1" autofocus' in html
    assert '<a href="#id_company">This field is required.</a>' in html
    assert '<a href="#id_who_0">' in html
    assert "<li>The two do not &lt;fit&gt;.</li>" in html


def test_the_summary_takes_form_sets_and_says_nothing_of_what_is_right_or_unsent() -> None:
    many = forms.formset_factory(Example, extra=1, validate_min=True, min_num=1)
    sent = many({"form-TOTAL_FORMS": "1", "form-INITIAL_FORMS": "0", "form-0-company": "x"})
    html = render("{% error_summary form nothing forms %}", form=Example(), nothing=None, forms=sent)
    assert 'href="#id_form-0-prefix"' in html
    assert 'href="#id_form-0-company"' not in html
    assert render("{% error_summary form %}", form=Example()).strip() == ""


@pytest.mark.parametrize("word", StandingWord)
def test_every_standing_has_its_pill_with_icon_and_words(word: StandingWord) -> None:
    html = render("{% standing_pill word %}", word=word)
    assert html == render("{% standing_pill word %}", word=word.value)
    assert str(word.label) in html
    assert "<use href=" in html


def test_no_two_standings_look_the_same() -> None:
    looks = {(render("{{ w|standing_color }}", w=word), render("{{ w|standing_icon }}", w=word)) for word in StandingWord}
    assert len(looks) == len({color for color, _icon in looks}) == len(StandingWord)


def test_a_day_is_written_in_words_of_the_language() -> None:
    day = dt.date(2026, 11, 20)
    assert render("{{ day|day }}", day=day) == '<time class="mp-nowrap" datetime="2026-11-20">20 Nov 2026</time>'
    with translation.override("ko"):
        assert formatting.day(day) == "2026년 11월 20일"
    assert render("{{ day|day }}{{ day|moment }}", day=None) == ""


def test_a_moment_is_told_by_the_clock_of_the_active_time_zone() -> None:
    moment = dt.datetime(2026, 11, 20, 16, 47, tzinfo=dt.UTC)
    with timezone.override("Asia/Seoul"):
        assert formatting.moment(moment) == "21 Nov 2026 01:47"
        assert formatting.day(moment) == "21 Nov 2026"
        assert 'datetime="2026-11-21T01:47+09:00"' in render("{{ moment|moment }}", moment=moment)


def test_a_name_is_written_as_its_language_writes_it() -> None:
    korean = SimpleNamespace(first_name="민서", last_name="김")
    assert render("{{ p|person_name }} {{ p|person_name|initials }}", p=korean) == "김민서 김"
    assert render("{{ 'Tania van Carr'|initials }}{{ p|person_name }}", p=None) == "TC"


@pytest.mark.parametrize(("language", "first"), [("en", "first_name"), ("ko", "last_name")])
def test_the_fields_of_a_name_follow_the_order_of_the_language(language: str, first: str) -> None:
    with translation.override(language):
        html = render("{% name_fields form %}", form=Example())
    assert re.findall(r'<input[^>]* name="(\w+)"', html)[0] == first


@pytest.mark.parametrize(("language", "order"), [("en", ["first", "last"]), ("ko", ["last", "first"])])
def test_the_summary_names_the_fields_of_a_name_in_the_order_of_the_page(language: str, order: list[str]) -> None:
    class Named(forms.Form):
        contact_first_name = forms.CharField()
        contact_last_name = forms.CharField()
        contact_email = forms.CharField()

    with translation.override(language):
        html = render("{% error_summary form %}", form=Named({}))
    assert re.findall(r'href="#id_contact_(\w+?)(?:_name)?"', html) == [*order, "email"]


@pytest.mark.parametrize(
    ("written", "lines"),
    [
        (("Jung-gu", "14F", "Seoul", "", "04631", "KR"), ["Jung-gu", "14F", "Seoul 04631", "Korea"]),
        (("분당구 235", "N동", "성남시", "경기도", "13494", "KR"), ["Korea", "경기도 성남시 분당구 235", "N동", "13494"]),
        (("1 Main St", "", "Austin", "TX", "78759", "US"), ["1 Main St", "Austin TX 78759", "United States"]),
    ],
)
def test_an_address_in_hangul_goes_from_the_large_to_the_small(written: tuple[str, ...], lines: list[str]) -> None:
    customer = Customer(**dict(zip(("address_line1", "address_line2", "city", "region", "postal_code", "country"), written, strict=True)))
    assert re.findall(r">([^<]+)</span>", render("{{ customer|address }}", customer=customer)) == lines


@pytest.mark.parametrize(("typed", "shown"), [("+8225550142", "+82 2-555-0142"), ("no number", "no number"), ("", "")])
def test_a_phone_number_is_written_internationally_and_anything_else_as_it_is(typed: str, shown: str) -> None:
    assert formatting.phone(typed) == shown


def test_a_country_has_the_name_that_partner_center_gives_it_in_the_language_of_the_page() -> None:
    for language, name in (("en", "Korea"), ("ko", "대한민국"), ("en", "Korea")):
        with translation.override(language):
            assert render('{% country_name "KR" %} {% country_name "??" %}') == f"{name} ??"


def test_the_switches_mark_what_is_chosen_and_speak_the_language_of_the_page() -> None:
    def chosen(tag: str, **context: Any) -> list[str]:
        html = render(tag, **context)
        return [html.partition('aria-label="')[2].partition('"')[0], *re.findall(r'value="(\w+)"[^>]* aria-current="true"', html)]

    for language, switch, appearance in (("en", "Language", "Appearance"), ("ko", "언어", "화면 모드"), ("en", "Language", "Appearance")):
        with translation.override(language):
            assert chosen("{% language_switch %}") == [switch, language]
            assert chosen("{% language_switch in_menu=True %}") == [switch, language]
            for theme in ("light", "dark", "system"):
                assert chosen("{% theme_switch %}", theme=theme) == [appearance, theme]
            assert chosen("{% theme_switch %}") == [appearance, "system"]


def test_a_switch_is_a_form_of_its_own_or_part_of_the_form_that_is_filled_in_and_leads_back() -> None:
    request = RequestFactory().get("/customers/", {"q": "a&b"})
    alone = render("{% language_switch %}", request=request)
    assert '<form method="post" action="/preferences/language/?next=/customers/%3Fq%3Da%2526b">' in alone
    within = render("{% language_switch %}", request=request, typed_form="typed", has_errors=True)
    assert "<form" not in within
    sent = ' form="typed" formaction="/preferences/language/?next=/customers/%3Fq%3Da%2526b&amp;checked=1" formnovalidate'
    assert within.count(sent) == 2


def test_the_query_is_kept_except_for_the_place_in_the_list() -> None:
    request = RequestFactory().get("/", {"q": "a&b", "status": "due", "after": "x"})
    assert render("{% keep_query status=None %}", request) == "?q=a%26b"
    assert render('{% keep_query after="y" %}', request) == "?q=a%26b&amp;status=due&amp;after=y"


@pytest.mark.parametrize("where", [None, "components/_empty.html", "components/_message.html", "components/_pagination.html"])
def test_typed_text_is_never_markup(where: str | None) -> None:
    source = (
        f'{{% include "{where}" with title=evil text=evil fact=evil kind="ok" label=evil next_url=evil %}}' if where else "{% pill evil %}"
    )
    html = render(source, evil="<b>x")
    assert "<b>" not in html
    assert "&lt;b&gt;" in html


def page(
    user: Any, source: str = '{% extends "base.html" %}{% block title %}Here{% endblock %}', at: str = "/customers/1/", **context: Any
) -> str:
    request = RequestFactory().get(at)
    request.user = user
    return render(source, request, **context)


@pytest.mark.django_db
class TestFrame:
    def test_the_navigation_shows_what_the_roles_open(self) -> None:
        def entries(*roles: Role) -> list[str]:
            rail = page(make_staff(roles=roles)).partition('<nav class="mp-rail"')[2].partition("</nav>")[0]
            return re.findall(r"<span>([^<]+)</span></a>", rail)

        assert entries(Role.ADMIN_AGENT) == ["Home", "Customers", "Orders", "Agreement versions", "API", "Staff", "Activity"]
        assert entries(Role.SALES_AGENT) == ["Home", "Customers", "Orders", "Agreement versions", "API"]
        assert entries(Role.HELPDESK_AGENT) == ["Home", "Customers", "Orders"]
        assert entries() == ["Home"]

    def test_the_page_itself_and_the_pages_below_are_told_apart(self) -> None:
        member = make_staff()
        assert '<a href="/customers/" aria-current="true">' in page(member)
        assert '<a href="/customers/" aria-current="page">' in page(member, at="/customers/")
        assert '<a href="/">' in page(member)

    def test_a_sandbox_says_so_on_every_page(self) -> None:
        html = page(make_staff(make_account(environment="sandbox")))
        assert 'data-env="sandbox"' in html
        assert "Sandbox</span>" in html
        assert "Sandbox" not in page(make_staff())

    def test_who_is_not_signed_in_sees_the_frame_without_navigation(self) -> None:
        html = page(AnonymousUser())
        assert '<main class="mp-main' in html
        assert "mp-rail" not in html
        assert "user-menu" not in html

    def test_the_language_and_the_theme_are_on_the_root(self) -> None:
        assert '<html lang="en" data-bs-theme="dark">' in page(make_staff(theme="dark"))
        with translation.override("ko"):
            assert '<html lang="ko">' in page(make_staff(theme="system"))

    def test_the_title_says_when_there_is_a_problem(self) -> None:
        member = make_staff()
        assert "<title>Here - MCA portal</title>" in page(member, form=Example())
        assert "<title>Error: Here - MCA portal</title>" in page(member, form=Example({}))
        assert "<title>Error: Here - MCA portal</title>" in page(member, has_errors=True)

    def test_the_frame_asks_the_database_for_nothing_but_the_roles(self, django_assert_max_num_queries: Any) -> None:
        member = make_staff()
        with django_assert_max_num_queries(2):
            page(member)
