"""Tags and filters of the pages; a builtin of every template, so nothing has to be loaded.

Whatever they put out is markup made with `format_html` or text that the template escapes.
"""

from collections.abc import Iterator
from datetime import date, datetime
from functools import cache, lru_cache
from itertools import pairwise
from typing import Any
from urllib.parse import urlencode

from django import template
from django.conf import settings
from django.forms import BaseForm
from django.forms.boundfield import BoundField
from django.forms.formsets import BaseFormSet
from django.http import QueryDict
from django.template import Context
from django.template.defaultfilters import capfirst
from django.template.defaulttags import CsrfTokenNode
from django.templatetags.static import static
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import get_language, get_language_info, gettext

from agreements.standing import StandingWord
from customers.models import Customer
from mca_portal.pages import formatting
from mca_portal.staff.models import Theme
from mca_portal.staff.names import display_name

register = template.Library()

# Where in a list one is: meaningless as soon as the list is another one.
PLACES_IN_A_LIST = ("page", "after", "before", "cursor")
# How each standing looks wherever it is shown (pill, tile, share of the picture, bar): color and icon.
STANDINGS = {
    StandingWord.CONFIRMED: ("ok", "ok"),
    StandingWord.DUE: ("info", "clock"),
    StandingWord.REQUIRED: ("bad", "lock"),
    StandingWord.NOT_CONFIRMED: ("warn", "warn"),
    StandingWord.NOT_APPLICABLE: ("", "none"),
}


@register.simple_tag
@cache  # five in the head of each page
def asset(path: str) -> str:
    """The address of a static file."""
    return static(path)


@register.simple_tag
@cache  # a page shows some thirty
def icon(name: str, small: bool = False) -> SafeString:
    """A drawing of the sprite, hidden from screen readers: always beside text, or in a button that has an `aria-label`."""
    return format_html(
        '<svg class="mp-icon{}" aria-hidden="true" focusable="false"><use href="{}#{}"/></svg>',
        " mp-icon-s" if small else "",
        asset("portal/icons.svg"),
        name,
    )


@cache
def _pill_of(standing: StandingWord, language: str | None) -> SafeString:
    return pill(str(standing.label), *STANDINGS[standing])


@register.simple_tag
def pill(text: str, kind: str = "", icon_name: str = "") -> SafeString:
    """A status pill; `kind` is "ok", "warn", "info", "bad" or empty (grey)."""
    return format_html(
        '<span class="mp-pill{}">{}{}</span>', f" mp-{kind}" if kind else "", icon(icon_name, small=True) if icon_name else "", text
    )


@register.simple_tag
def standing_pill(word: StandingWord | str) -> SafeString:
    """Where a customer stands, in words and with an icon (domain.md, Standing)."""
    return _pill_of(StandingWord(word), get_language())


@register.filter
def attributes(attrs: dict[str, Any]) -> SafeString:
    """The attributes of a form's control, each after a blank; True stands for one without a value, False for none."""
    shown = ((name, "" if value is True else format_html('="{}"', value)) for name, value in attrs.items() if value is not False)
    return format_html_join("", " {}{}", shown)


@register.filter
def standing_color(word: StandingWord | str) -> str:
    """The color of a standing, as the ends of class names say it: "ok", "warn", "info", "bad" or empty (grey)."""
    return STANDINGS[StandingWord(word)][0]


@register.filter
def standing_icon(word: StandingWord | str) -> str:
    """The icon of a standing."""
    return STANDINGS[StandingWord(word)][1]


@register.filter
def day(value: date | None) -> str:
    """A calendar day in words inside `<time>`; empty for None."""
    if not value:
        return ""
    if isinstance(value, datetime):
        value = (timezone.localtime(value) if timezone.is_aware(value) else value).date()
    return _day_in(value, get_language())


@lru_cache(maxsize=5000)  # the days of some years in both languages: a list shows thirty
def _day_in(value: date, _language: str | None) -> SafeString:
    return format_html('<time class="mp-nowrap" datetime="{}">{}</time>', value.isoformat(), formatting.day(value))


@register.filter
def moment(value: datetime | None) -> str:
    """A moment in the active time zone inside `<time>`; empty for None."""
    if not value:
        return ""
    local = timezone.localtime(value)
    return format_html('<time class="mp-nowrap" datetime="{}">{}</time>', local.isoformat(timespec="minutes"), formatting.moment(local))


@register.filter
def ago(value: datetime) -> str:
    """How long ago a moment was."""
    return formatting.ago(value)


@register.filter
def person_name(value: Any) -> str:
    """The name of whoever has `first_name` and `last_name`; a Korean name family name first, without a blank. Empty for None."""
    return display_name(value.first_name, value.last_name) if value else ""


@register.filter
def initials(name: str) -> str:
    """The letters in the circle beside a person's name: of two or more words the first and the last one's, else the first letter."""
    words = str(name).split()
    return "".join(word[0] for word in (words[:1] + words[1:][-1:])).upper()


@register.filter
def phone(value: object) -> str:
    """A phone number as it is written internationally."""
    return formatting.phone(value)


@register.filter
def address(customer: Customer) -> SafeString:
    """A customer's postal address, one line below the other."""
    return format_html_join("", '<span class="d-block">{}</span>', ((line,) for line in formatting.address(customer)))


@register.simple_tag
def country_name(code: str) -> str:
    """The name of a country or region in the active language."""
    return formatting.country(code)


@register.simple_tag(takes_context=True)
def keep_query(context: Context, **changes: Any) -> str:
    """The address's query with some values changed, as `?q=contoso&status=due`; None or an empty value takes one out.

    The place in the list (page, after, before) is dropped unless it is among the changes: another filter starts at the top.
    """
    request = context.get("request")
    query = request.GET.copy() if request else QueryDict(mutable=True)
    for name in PLACES_IN_A_LIST:
        query.pop(name, None)
    for name, value in changes.items():
        if value is None or value == "":
            query.pop(name, None)
        else:
            query[name] = str(value)
    return f"?{query.urlencode()}"


@register.simple_tag(takes_context=True)
def language_switch(context: Context, in_menu: bool = False) -> SafeString:
    """The buttons that switch the language; in a menu one a line, with an icon."""
    return _switch(context, "set_language", "menu" if in_menu else "bar", get_language())


@register.simple_tag(takes_context=True)
def theme_switch(context: Context) -> SafeString:
    """The buttons that switch the appearance, one a line."""
    return _switch(context, "set_theme", "themes", context.get("theme") or Theme.SYSTEM)


def _switch(context: Context, route: str, kind: str, current: str | None) -> SafeString:
    """Buttons one of which is chosen: a form of their own or, with `typed_form` in the context, part of that form (see _top.html).

    The address that they are sent to leads back to `page_url` of the context or to the page itself; `checked` in it tells that the page
    says what is wrong and is to say it again.
    """
    request, form, typed_form = context.get("request"), context.get("form"), context.get("typed_form")
    query = {"next": context.get("page_url") or (request.get_full_path() if request else "/")}
    if context.get("has_errors") or (isinstance(form, BaseForm) and form.errors):
        query["checked"] = "1"
    address = f"{reverse(route)}?{urlencode(query, safe='/')}"
    if typed_form:
        return _buttons(kind, current, format_html(' form="{}" formaction="{}" formnovalidate', typed_form, address))
    buttons = _buttons_alone(kind, current, get_language())
    return format_html('<form method="post" action="{}">{}{}</form>', address, CsrfTokenNode().render(context), buttons)


def _buttons(kind: str, current: str | None, sent: str = "") -> SafeString:
    """The buttons of a switch. `kind`: "bar", "menu" or "themes". `current`: the value of the one chosen. `sent`: attributes of each."""
    if kind == "themes":
        name, layout, label = "portal_theme", "d-grid", gettext("Appearance")
        each = [(code, "", icon(code, small=True), text) for code, text in Theme.choices]
    else:
        name, layout, label = "portal_language", "d-grid" if kind == "menu" else "d-flex", gettext("Language")
        sign = icon("globe", small=True) if kind == "menu" else ""
        languages = [(code, get_language_info(code)["name_local"]) for code, _name in settings.LANGUAGES]
        each = [(code, format_html(' lang="{}"', code), sign, capfirst(text)) for code, text in languages]
    buttons = format_html_join(
        "",
        '<button class="mp-flat" type="submit" name="{}" value="{}"{}{}{}>{}{}</button>',
        (
            (name, value, attributes, mark_safe(' aria-current="true"') if value == current else "", sent, sign, text)
            for value, attributes, sign, text in each
        ),
    )
    return format_html('<div class="{}" role="group" aria-label="{}">{}</div>', layout, label, buttons)


@cache  # the same on every page
def _buttons_alone(kind: str, current: str | None, _language: str | None) -> SafeString:
    return _buttons(kind, current)


@register.simple_tag
def name_fields(form: BaseForm, prefix: str = "") -> SafeString:
    """The two fields of a person's name side by side, the family name first in Korean.

    `prefix` is what stands before `first_name` and `last_name` in the form's field names.
    """
    names = ["last_name", "first_name"] if _family_name_first() else ["first_name", "last_name"]
    return format_html('<div class="mp-row">{}{}</div>', *(form[prefix + name].as_field_group() for name in names))


def _family_name_first() -> bool:
    return (get_language() or "").startswith("ko")


def _as_on_the_page(form: BaseForm) -> list[BoundField]:
    """The form's fields in the order in which a person reads them: `name_fields` may have turned the two of a name round."""
    fields = list(form)
    if _family_name_first():
        for at, (first, last) in enumerate(pairwise(list(form))):
            if first.name.endswith("first_name") and last.name == first.name.removesuffix("first_name") + "last_name":
                fields[at : at + 2] = last, first
    return fields


@register.simple_tag(takes_context=True)
def rail_link(context: Context, route: str, icon_name: str, label: str) -> SafeString:
    """An entry of the main navigation, marked if the page is it or below it."""
    address = reverse(route)
    path = context["request"].path if context.get("request") else ""
    current = "page" if path == address else "true" if address != "/" and path.startswith(address) else ""
    return format_html(
        '<a href="{}"{}>{}<span>{}</span></a>',
        address,
        format_html(' aria-current="{}"', current) if current else "",
        icon(icon_name),
        label,
    )


def _problems(forms: tuple[Any, ...]) -> Iterator[dict[str, Any]]:
    for form in forms:
        if isinstance(form, BaseFormSet):
            if form.is_bound:
                yield from ({"text": text, "target": ""} for text in form.non_form_errors())
                yield from _problems(tuple(form.forms))
        elif form is not None and form.is_bound:
            yield from ({"text": text, "target": ""} for text in form.non_field_errors())
            for field in _as_on_the_page(form):
                yield from ({"text": text, "target": field.focus_id} for text in field.errors)


@register.inclusion_tag("components/_error_summary.html")
def error_summary(*forms: Any) -> dict[str, Any]:
    """Everything that is wrong in the forms and form sets, each with a link to its field; nothing if all is well.

    It takes the focus when the page opens. None is skipped.
    """
    seen: list[dict[str, Any]] = []
    for problem in _problems(forms):
        if problem not in seen:
            seen.append(problem)
    return {"problems": seen}
