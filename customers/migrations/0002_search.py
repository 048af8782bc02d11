from django.db import migrations, models

# Every piece of one, two and three characters of a name and of a domain up to its first dot (customers/search.py asks for them).
PIECES = r"""
CREATE FUNCTION customers_pieces(name text, domain text) RETURNS text[]
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE COST 1000
RETURN ARRAY(
    SELECT substr(key, i, n)
    FROM (SELECT name || E'\n' || split_part(domain, '.', 1) || '.' AS key) AS both_of_them,
         generate_series(1, length(key)) AS i,
         generate_series(1, 3) AS n
)
"""
FORWARD = [
    'ALTER TABLE customers_customer ALTER COLUMN name_key TYPE varchar(400) COLLATE "C", ALTER COLUMN domain TYPE varchar(43) COLLATE "C"',
    PIECES,
    "CREATE INDEX customer_by_pieces ON customers_customer USING gin (customers_pieces(name_key, domain))",
]
BACK = [
    "DROP INDEX customer_by_pieces",
    "DROP FUNCTION customers_pieces(text, text)",
    'ALTER TABLE customers_customer ALTER COLUMN name_key TYPE varchar(400) COLLATE "default", ALTER COLUMN domain TYPE varchar(43) COLLATE "default"',
]


def forward(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        for statement in FORWARD:
            schema_editor.execute(statement)


def back(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        for statement in BACK:
            schema_editor.execute(statement)


class Migration(migrations.Migration):
    dependencies = [("customers", "0001_initial")]

    operations = [
        migrations.RemoveIndex(model_name="customer", name="customer_by_name"),
        migrations.RemoveField(model_name="customer", name="search_key"),
        migrations.RunPython(forward, back),
        migrations.AddIndex(
            model_name="customer",
            index=models.Index(fields=["account", "name_key", "id", "domain"], name="customer_by_name"),
        ),
    ]
