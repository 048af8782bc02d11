"""Adds the two agreement templates that are known today (V2)."""

from django.db import migrations

from agreements import known_templates


def add(apps, schema_editor):
    """Add what is missing."""
    known_templates.load(apps.get_model("agreements", "AgreementTemplate"))


class Migration(migrations.Migration):
    dependencies = [("agreements", "0001_initial")]
    operations = [migrations.RunPython(add, migrations.RunPython.noop)]
