from django.db import migrations, models


def by_character(apps, schema_editor):
    """As in SQLite, and as the customers' own column (customers, 0002)."""
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute('ALTER TABLE agreements_standing ALTER COLUMN name_key TYPE varchar(400) COLLATE "C"')


class Migration(migrations.Migration):
    """Apart from 0003: PostgreSQL does not alter a table in the transaction that filled it while constraints wait to be checked."""

    dependencies = [("agreements", "0003_standings_in_order_and_counted")]

    operations = [
        migrations.AlterField(model_name="standing", name="customer_since", field=models.DateTimeField()),
        migrations.RunPython(by_character, migrations.RunPython.noop),
        migrations.AddIndex(
            model_name="standing",
            index=models.Index(fields=["account", "rank", "name_key", "customer"], name="standing_by_name"),
        ),
        migrations.AddIndex(
            model_name="standing",
            index=models.Index(fields=["account", "rank", "-customer_since", "-customer"], name="standing_newest_first"),
        ),
    ]
