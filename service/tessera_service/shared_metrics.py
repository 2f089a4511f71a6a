# SPDX-License-Identifier: Apache-2.0
"""Figures of several workers, added up: each writes its own into files of one folder (the multiprocess mode of
prometheus_client), and whoever is asked reads all of them.

What a dead worker counted stays counted; what it was is forgotten with it."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from prometheus_client import CollectorRegistry, PlatformCollector, ProcessCollector
from prometheus_client.exposition import generate_latest
from prometheus_client.metrics_core import Metric
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead
from prometheus_client.registry import Collector

from tessera_service.settings import given_to_children

_OF_THE_LIBRARY: Final = "PROMETHEUS_MULTIPROC_DIR"
_OLDEST: Final = "process_start_time_seconds"


@contextmanager
def share_metrics() -> Iterator[Path]:
    """A new folder for the workers that are started meanwhile; it is gone afterwards."""
    with TemporaryDirectory(prefix="tessera-metrics-") as name, given_to_children({_OF_THE_LIBRARY: name}):
        yield Path(name)


def forget_worker(folder: Path, pid: int | None) -> None:
    """The worker is dead: only what it counted stays."""
    mark_process_dead(pid, str(folder))  # type: ignore[no-untyped-call]


def render_shared(folder: Path) -> bytes:
    """The figures of all workers, in the Prometheus text format."""
    registry = CollectorRegistry()
    PlatformCollector(registry=registry)
    registry.register(_AllWorkers(folder))
    return generate_latest(registry)


class _AllWorkers(Collector):
    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def collect(self) -> Iterable[Metric]:
        yield from MultiProcessCollector.merge(self._files())  # type: ignore[no-untyped-call]
        yield from add_up(ProcessCollector(pid=lambda pid=pid: pid, registry=None).collect() for pid in self._workers())  # type: ignore[misc]

    def _files(self) -> list[str]:
        """Without those that a starting worker has made and not begun to fill."""
        return [str(path) for path in self._folder.glob("*.db") if _size(path)]

    def _workers(self) -> list[int]:
        return sorted(int(path.stem.rsplit("_", 1)[1]) for path in self._folder.glob("gauge_livesum_*.db"))


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:  # of a worker that was forgotten meanwhile
        return 0


def add_up(processes: Iterable[Iterable[Metric]]) -> Iterable[Metric]:
    """What processes use, together; they are as old as the oldest of them."""
    found: dict[str, Metric] = {}
    for metric in (metric for metrics in processes for metric in metrics):
        kept = found.setdefault(metric.name, Metric(metric.name, metric.documentation, metric.type))
        values = [sample.value for sample in (*kept.samples, *metric.samples)]
        value = min(values) if metric.name == _OLDEST else sum(values)
        kept.samples = [metric.samples[0]._replace(value=value)]
    return found.values()
