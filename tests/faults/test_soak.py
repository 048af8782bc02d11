"""`make soak` in short: what people were told is what the records say, although the server was killed while they worked."""

from pathlib import Path

import pytest
from django.conf import settings

from tests.soak import world
from tests.soak.soak import Soak
from tests.with_postgresql import Cluster


def test_nothing_is_lost_doubled_or_half_written_when_the_server_is_killed(tmp_path: Path, static: Path) -> None:
    if settings.DATABASE_URL:
        with Cluster(durable=True) as cluster:
            soak(tmp_path, static, cluster)
    else:
        soak(tmp_path, static, None)


def soak(folder: Path, static: Path, cluster: Cluster | None) -> None:
    with Soak(folder, cluster=cluster, clients=3, seed=20261125, static=static) as short:
        violations = short.run(2, requests=(60, 90))
    if violations:
        pytest.fail("\n".join(violations))
    assert short.acknowledged() > 0


@pytest.mark.django_db
def test_two_hundred_people_can_be_made_for_a_crowd() -> None:
    assert len(world.make(200)["people"]) == 200
