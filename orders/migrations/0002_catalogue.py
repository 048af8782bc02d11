"""Adds the offers that a new installation starts with (F5)."""

from django.db import migrations

from orders import catalogue


def add(apps, schema_editor):
    """Add what is missing."""
    catalogue.load(apps.get_model("orders", "Offer"))


class Migration(migrations.Migration):
    dependencies = [("orders", "0001_initial")]
    operations = [migrations.RunPython(add, migrations.RunPython.noop)]
