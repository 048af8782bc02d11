"""How form fields look: label, hint, error, control, in this order, with what Django 5.2 says to screen readers.

Two attributes of a widget say more about its place on the page: `data-width` ("s" narrow, "l" full width) and `data-suffix`
(fixed text that follows the control, such as `.onmicrosoft.com`).
"""

from typing import Any

from django import forms
from django.forms.boundfield import BoundField
from django.forms.renderers import TemplatesSetting


class PortalBoundField(BoundField):
    """A field of a form together with its classes and its place on the page."""

    @property
    def kind(self) -> str:
        """Which layout the field has: "hidden", "check", "choices" (radio buttons, check boxes), "select" or "text"."""
        widget = self.field.widget
        if widget.is_hidden:
            return "hidden"
        if isinstance(widget, forms.CheckboxInput):
            return "check"
        if isinstance(widget, (forms.RadioSelect, forms.CheckboxSelectMultiple)):
            return "choices"
        return "select" if isinstance(widget, forms.Select) else "text"

    @property
    def suffix(self) -> str:
        """Fixed text that follows the control; empty if there is none."""
        return self.field.widget.attrs.get("data-suffix", "")

    @property
    def wrapper_class(self) -> str:
        """Classes of the element around label and control."""
        width = self.field.widget.attrs.get("data-width", "")
        return " ".join(["mp-field", *([f"mp-field-{width}"] if width else []), *(["mp-invalid"] if self.errors else [])])

    @property
    def is_optional(self) -> bool:
        """True if the label says "(optional)"; never at a lone check box, nor in a form with `mark_optional = False`."""
        return not self.field.required and not self.field.disabled and self.kind != "check" and getattr(self.form, "mark_optional", True)

    @property
    def focus_id(self) -> str:
        """The id that a link to the field leads to: its control, or the first of its choices; empty for a hidden field."""
        if self.is_hidden:
            return ""
        if self.kind == "choices" and len(self.subwidgets):
            return str(self.subwidgets[0].id_for_label or "")
        return str(self.id_for_label or "")

    @property
    def aria_describedby(self) -> str | None:
        """The ids of hint, suffix and error, in the order in which they are to be read out."""
        described = super().aria_describedby
        if described is None or not self.suffix or not self.auto_id:
            return described
        ids = described.split()
        ids.insert(1 if self.help_text else 0, f"{self.auto_id}_suffix")
        return " ".join(ids)

    def build_widget_attrs(self, attrs: dict[str, Any], widget: forms.Widget | None = None) -> dict[str, Any]:
        """Add the control's class to what Django adds; a class of the widget's own stays."""
        built = super().build_widget_attrs(attrs, widget)
        shown = widget or self.field.widget
        if not shown.is_hidden:
            own = {"check": "form-check-input", "choices": "form-check-input", "select": "form-select"}.get(self.kind, "form-control")
            built["class"] = " ".join(filter(None, [own, str(shown.attrs.get("class", "")), str(attrs.get("class", ""))]))
        return built


class PortalFormRenderer(TemplatesSetting):
    """Forms rendered with the portal's templates and classes."""

    form_template_name = "components/forms/form.html"
    field_template_name = "components/forms/field.html"
    bound_field_class = PortalBoundField
