# SPDX-License-Identifier: Apache-2.0
"""What workers left in their folder, as whoever is asked tells it."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from prometheus_client.mmap_dict import MmapedDict, mmap_key
from prometheus_client.parser import text_string_to_metric_families

import tessera
from tessera_service.shared_metrics import SILENT_SECONDS, WRITTEN, render_shared

FRESH, AGE = "tessera_mirror_fresh", "tessera_mirror_age_seconds"


def leave(folder: Path, worker: int, *, written_ago: float | None, **state: float) -> None:
    """As a worker does, which wrote so long ago, or (None) has made its files and not written yet."""
    values = {"livemin": {FRESH: state.get("fresh", 0.0)}, "livemax": {AGE: state.get("age", 0.0)}}
    written = 0.0 if written_ago is None else tessera.boottime_ns() / 1e9 - written_ago
    for mode, found in (*values.items(), ("liveall", {WRITTEN: written})):
        write(folder / f"gauge_{mode}_{worker}.db", found)


def write(path: Path, values: Mapping[str, float]) -> None:
    file: Any = MmapedDict(str(path))  # type: ignore[no-untyped-call]
    for name, value in values.items():
        file.write_value(mmap_key(name, name, [], [], "Text"), value, 0.0)
    file.close()


def told(folder: Path) -> dict[str, float]:
    families = text_string_to_metric_families(render_shared(folder).decode())
    return {
        sample.name: sample.value for family in families for sample in family.samples if family.name != "python_info"
    }


def test_what_workers_say_of_themselves_counts_while_they_say_it(tmp_path: Path) -> None:
    leave(tmp_path, 1, written_ago=0.1, fresh=1.0, age=0.2)
    leave(tmp_path, 2, written_ago=1.0, fresh=1.0, age=0.1)
    assert told(tmp_path) == {FRESH: 1, AGE: 0.2}


def test_a_worker_that_has_been_silent_is_not_fresh_whatever_it_said_last(tmp_path: Path) -> None:
    leave(tmp_path, 1, written_ago=0.1, fresh=1.0, age=0.2)
    leave(tmp_path, 2, written_ago=SILENT_SECONDS + 60, fresh=1.0, age=0.1)
    found = told(tmp_path)
    assert found[FRESH] == 0
    assert found[AGE] >= SILENT_SECONDS + 60


def test_a_worker_that_starts_says_nothing_of_itself_yet(tmp_path: Path) -> None:
    leave(tmp_path, 1, written_ago=0.1, fresh=1.0, age=0.2)
    leave(tmp_path, 2, written_ago=None)
    assert told(tmp_path) == {FRESH: 1, AGE: 0.2}


def test_where_no_worker_has_said_anything_there_is_no_figure(tmp_path: Path) -> None:
    leave(tmp_path, 1, written_ago=None)
    assert told(tmp_path) == {}


def test_figures_that_are_not_of_the_mirror_are_believed(tmp_path: Path) -> None:
    leave(tmp_path, 1, written_ago=SILENT_SECONDS + 60, fresh=1.0)
    write(tmp_path / "gauge_livemax_1.db", {"tessera_outbox_rows": 7.0})
    write(tmp_path / "counter_1.db", {"tessera_overloads_total": 3.0})
    assert told(tmp_path).items() >= {"tessera_outbox_rows": 7, "tessera_overloads_total": 3}.items()
