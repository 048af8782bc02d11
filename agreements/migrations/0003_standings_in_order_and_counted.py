import django.db.models.deletion
from django.db import migrations, models
from django.db.models import Count, OuterRef, Subquery


def fill(apps, schema_editor):
    """Take over what is there already."""
    standings = apps.get_model("agreements", "Standing").objects
    customer = apps.get_model("customers", "Customer").objects.filter(pk=OuterRef("customer_id"))
    standings.update(name_key=Subquery(customer.values("name_key")[:1]), customer_since=Subquery(customer.values("created_at")[:1]))
    counts = apps.get_model("agreements", "StandingCount")
    counts.objects.bulk_create(
        counts(account_id=account_id, rank=rank, number=number)
        for account_id, rank, number in standings.order_by().values_list("account_id", "rank").annotate(number=Count("pk"))
    )


class Migration(migrations.Migration):
    dependencies = [
        ("agreements", "0002_known_templates"),
        ("customers", "0002_search"),
        ("staff", "0001_initial"),
    ]

    operations = [
        migrations.CreateModel(
            name="StandingCount",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("rank", models.PositiveSmallIntegerField(editable=False)),
                ("number", models.IntegerField(editable=False)),
                (
                    "account",
                    models.ForeignKey(
                        editable=False, on_delete=django.db.models.deletion.CASCADE, related_name="+", to="staff.partneraccount"
                    ),
                ),
            ],
            options={
                "verbose_name": "number of customers at a rank",
                "verbose_name_plural": "numbers of customers at a rank",
                "default_permissions": (),
            },
        ),
        migrations.RemoveIndex(model_name="standing", name="standing_by_rank"),
        migrations.AddField(
            model_name="standing", name="name_key", field=models.CharField(default="", max_length=400), preserve_default=False
        ),
        migrations.AddField(model_name="standing", name="customer_since", field=models.DateTimeField(null=True)),
        migrations.RunPython(fill, migrations.RunPython.noop),
    ]
