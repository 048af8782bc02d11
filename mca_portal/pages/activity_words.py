"""How is an entry of the activity log said to people? As a sentence, with the fields' labels and values as pages show them."""

import datetime as dt
from dataclasses import dataclass
from typing import Any

from django.apps import apps
from django.db import models
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext, pgettext
from django.utils.translation import gettext_lazy as _
from django_countries.fields import CountryField

from agreements.models import AgreementTemplate
from agreements.standing import StandingWord
from mca_portal.pages import formatting
from mca_portal.staff.models import Action, Activity, Failure, Topic
from mca_portal.staff.origin import Way
from mca_portal.staff.roles import Role

# By the action's value. `subject` is who did it, in Korean with the particle that makes a subject of it.
SENTENCES: dict[str, Any] = {
    "customers.created": _("%(subject)s created the customer"),
    "customers.changed": _("%(subject)s changed company or primary contact"),
    "agreements.confirmed": _("%(subject)s confirmed acceptance by %(about)s"),
    "agreements.withdrawn": _("%(subject)s withdrew the confirmation of acceptance by %(about)s"),
    "orders.placed": _("%(subject)s placed order %(about)s"),
    "orders.licenses_changed": _("%(subject)s changed the license count of %(about)s from %(old)s to %(new)s"),
    "orders.suspended": _("%(subject)s suspended %(about)s"),
    "orders.reactivated": _("%(subject)s reactivated %(about)s"),
    "orders.renamed": _("%(subject)s renamed %(old)s to %(new)s"),
    "orders.renewal_changed": _("%(subject)s changed the automatic renewal of %(about)s"),
    "staff.added": _("%(subject)s added %(about)s to the staff"),
    "staff.changed": _("%(subject)s changed the name or the roles of %(about)s"),
    "staff.deactivated": _("%(subject)s deactivated %(about)s"),
    "staff.reactivated": _("%(subject)s let %(about)s sign in again"),
    "staff.factor_reset": _("%(subject)s reset the second factor of %(about)s"),
    "staff.password_set": _("%(subject)s set a password for %(about)s"),
    "sign_in.signed_in": _("%(subject)s signed in"),
    "sign_in.failed": _("%(subject)s failed to sign in as %(about)s"),
    "sign_in.not_confirmed": _("%(subject)s in a session of %(about)s failed to confirm who they are"),
    "sign_in.turned_away": _("%(subject)s tried too often as %(about)s and was turned away for a while"),
    "sign_in.signed_out": _("%(subject)s signed out"),
    "sign_in.sessions_ended": _("%(subject)s ended sessions in other browsers"),
    "sign_in.password_changed": _("%(subject)s chose a new password"),
    "sign_in.reset_asked": _("%(subject)s asked for a link with which %(about)s chooses a new password"),
    "sign_in.password_reset": _("%(subject)s chose a new password by a link"),
    "sign_in.password_link_made": _("%(subject)s made a link with which %(about)s chooses a password"),
    "sign_in.factor_added": _("%(subject)s added a second factor"),
    "sign_in.factor_removed": _("%(subject)s removed a second factor"),
    "sign_in.recovery_codes_made": _("%(subject)s made new recovery codes"),
    "api.token_created": _("%(subject)s made the API token %(about)s"),
    "api.token_revoked": _("%(subject)s revoked the API token %(about)s"),
    "api.application_registered": _("%(subject)s registered the application %(about)s"),
    "api.application_changed": _("%(subject)s changed the application %(about)s"),
    "api.application_secret_made": _("%(subject)s made a new secret for the application %(about)s"),
    "api.application_disabled": _("%(subject)s disabled the application %(about)s"),
    "api.application_enabled": _("%(subject)s enabled the application %(about)s"),
    "api.consent_given": _("%(subject)s allowed the application %(about)s to act as them"),
    "api.consent_withdrawn": _("%(subject)s no longer allows the application %(about)s to act as them"),
    "api.access_given": _("The application %(about)s got a token"),
    "api.access_refused": _("%(subject)s asked for a token as the application %(about)s without its secret"),
    "api.access_ended": _("The application %(about)s gave a token back"),
    "exports.customers": _("%(subject)s exported customers"),
    "exports.activity": _("%(subject)s exported the activity log"),
    "account.opened": _("%(subject)s opened the partner account"),
    "account.changed": _("%(subject)s changed the partner account"),
    "account.factor_required": _("%(subject)s changed whether everybody needs a second factor"),
}
SAYS_ITS_CHANGE = {"orders.licenses_changed", "orders.renamed"}  # old and new value stand in the sentence

# What is not a field of the row that the entry is about.
LABELS: dict[str, Any] = {
    "roles": _("Roles"),
    "lines": _("Offers"),
    "owner": _("Belongs to"),
    "grant": _("How"),
    "acts_as": _("Acts as"),
    "template": _("Version"),
    "reason": _("Reason"),
    "why": _("Why"),
    "person": _("Done by"),
    "topic": _("What"),
    "customer": _("Customer"),
    "since": _("From"),
    "until": _("To"),
    "search": _("Search"),
    "standing": _("Microsoft customer agreement"),
}

# How an application gets a token, by OAuth2's names.
GRANTS: dict[str, Any] = {
    "client_credentials": _("by itself, with its secret"),
    "authorization_code": _("after a person allowed it"),
    "refresh_token": _("going on with what a person allowed"),
}


@dataclass(frozen=True)
class Change:
    """One field's old and new value as people read them; `old` is empty for what was first said."""

    label: str
    old: str
    new: str


def subject_of(entry: Activity) -> str:
    """Who did it, as the sentence begins with it."""
    if entry.actor:
        return pgettext("subject of a sentence", "%(name)s") % {"name": entry.actor}
    if entry.way == Way.COMMAND:
        return pgettext("subject of a sentence", "The operator")
    return pgettext("subject of a sentence", "Somebody")


def sentence(entry: Activity) -> str:
    """What was done, by whom, in a sentence of the active language. An action that this version does not know is named as it is kept."""
    said = SENTENCES.get(entry.action)
    if said is None:
        return f"{entry.actor or subject_of(entry)}: {action_name(entry)} {entry.about_name}".strip()
    old, new = next(iter(entry.changes.values()), (None, None)) if entry.action in SAYS_ITS_CHANGE else (None, None)
    return said % {"subject": subject_of(entry), "about": entry.about_name, "old": old, "new": new}


def action_name(entry: Activity) -> str:
    """The action in a few words."""
    return str(Action(entry.action).label) if entry.action in Action else entry.action


def topic_name(topic: str) -> str:
    """A topic as people read it."""
    return str(Topic(topic).label) if topic in Topic else topic


def changes_of(entry: Activity) -> list[Change]:
    """Each field that changed, with its old and its new value."""
    fields = _fields(entry)
    return [_change(fields.get(name), name, *values) for name, values in entry.changes.items()]


def _fields(entry: Activity) -> dict[str, Any]:
    """The fields of the row that the entry is about."""
    kind = entry.about_kind or ("customers.customer" if entry.customer_id else "staff.staffmember")
    try:
        return {field.name: field for field in apps.get_model(kind)._meta.get_fields() if isinstance(field, models.Field)}
    except LookupError:  # a model of another version
        return {}


def _change(field: Any, name: str, old: Any, new: Any) -> Change:
    label = LABELS.get(name) or (field.verbose_name if field is not None else name)
    first = old is None
    return Change(_capitalized(str(label)), "" if first else _shown(field, name, old), _shown(field, name, new))


def _capitalized(text: str) -> str:
    return text[:1].upper() + text[1:]


def _shown(field: Any, name: str, value: Any) -> str:
    """A value as pages show it."""
    if value is None or value == "" or value == []:
        return gettext("none")
    if isinstance(value, bool):
        return gettext("Yes") if value else gettext("No")
    if name == "roles":
        return ", ".join(str(Role(role).label) if role in Role else role for role in value)
    if isinstance(value, list):
        return ", ".join(_shown(field, name, each) if name == "standing" else str(each) for each in value)
    if name == "topic":
        return topic_name(value)
    if name == "grant":
        return str(GRANTS.get(value, value))
    if name == "why":
        return str(Failure(value).label) if value in Failure else value
    if name == "standing":
        return str(StandingWord(value).label) if value in StandingWord else value
    if name == "template":
        return AgreementTemplate(name=value).version
    if "phone" in name:
        return formatting.phone(value)
    if isinstance(field, CountryField):
        return formatting.country(value)
    if isinstance(field, models.DateTimeField):
        return formatting.moment(parse_datetime(value)) or value
    if isinstance(field, models.DateField) or name in ("since", "until"):
        return formatting.day(dt.date.fromisoformat(value))
    return str(dict(field.flatchoices).get(value, value)) if field is not None else str(value)
