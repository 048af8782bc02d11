from django.db import migrations

# What PostgreSQL's index of migration 0002 is there: every three characters of a text, which are found by pieces of up to three.
# No rowid of customers_customer stands for a customer in it, because VACUUM and a rebuilt table change them.
FORWARD = [
    "CREATE TABLE customers_searchtext (id integer PRIMARY KEY, customer_id char(32) NOT NULL UNIQUE, text text NOT NULL)",
    """
    CREATE VIRTUAL TABLE customers_pieces USING fts5(
        text, content='customers_searchtext', content_rowid='id', tokenize='trigram case_sensitive 1', detail=none, columnsize=0
    )
    """,
    "CREATE VIRTUAL TABLE customers_pieces_terms USING fts5vocab(customers_pieces, instance)",
    # These two stay through every migration: no table that Django rebuilds has to do with them.
    """
    CREATE TRIGGER searchtext_in_pieces AFTER INSERT ON customers_searchtext BEGIN
        INSERT INTO customers_pieces (rowid, text) VALUES (NEW.id, NEW.text);
    END
    """,
    """
    CREATE TRIGGER searchtext_no_more_in_pieces AFTER DELETE ON customers_searchtext BEGIN
        INSERT INTO customers_pieces (customers_pieces, rowid, text) VALUES ('delete', OLD.id, OLD.text);
    END
    """,
]
BACK = ["DROP TABLE customers_pieces_terms", "DROP TABLE customers_pieces", "DROP TABLE customers_searchtext"]


def forward(apps, schema_editor):
    """Make the tables. Who fills them, after every migrate, is customers/kept.py."""
    if schema_editor.connection.vendor == "sqlite":
        for statement in FORWARD:
            schema_editor.execute(statement)


def back(apps, schema_editor):
    if schema_editor.connection.vendor == "sqlite":
        for statement in BACK:
            schema_editor.execute(statement)


class Migration(migrations.Migration):
    dependencies = [("customers", "0002_search")]

    operations = [migrations.RunPython(forward, back)]
