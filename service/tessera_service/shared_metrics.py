# SPDX-License-Identifier: Apache-2.0
"""Figures of several workers, added up: each writes its own into files of one folder (the multiprocess mode of
prometheus_client), and whoever is asked reads all of them.

What a dead worker counted stays counted; what it was is forgotten with it. What one says of itself counts from when it
has said it for the first time, and no longer than it goes on to say so."""

from collections.abc import Container, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from prometheus_client import CollectorRegistry, PlatformCollector, ProcessCollector
from prometheus_client.exposition import generate_latest
from prometheus_client.metrics_core import Metric
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead
from prometheus_client.registry import Collector

import tessera
from tessera_service.settings import given_to_children

WRITTEN: Final = "tessera_state_written_seconds"  # since boot: of each worker, for this module alone
WRITTEN_TOGETHER: Final = "liveall"
SILENT_SECONDS: Final = 5.0  # after which a worker that said nothing of itself is not fresh, whatever it said last

_FRESH: Final = "tessera_mirror_fresh"
_AGE: Final = "tessera_mirror_age_seconds"
_STATES: Final = ("gauge_livemin", "gauge_livemax")  # of which the first value, before any is written, would count
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
        written = self._written()
        silence = tessera.boottime_ns() / 1e9 - min(written.values()) if written else 0.0
        files = [str(path) for path in self._files() if _counts(path, written)]
        for metric in MultiProcessCollector.merge(files):  # type: ignore[no-untyped-call]
            yield doubt(metric, silence) if silence > SILENT_SECONDS else metric
        yield from add_up(ProcessCollector(pid=lambda pid=pid: pid, registry=None).collect() for pid in self._workers())  # type: ignore[misc]

    def _written(self) -> dict[str, float]:
        """When each worker wrote last, of those that have."""
        files = [str(path) for path in self._files() if path.name.startswith(f"gauge_{WRITTEN_TOGETHER}")]
        metrics: Iterable[Metric] = MultiProcessCollector.merge(files)  # type: ignore[no-untyped-call]
        return {sample.labels["pid"]: sample.value for metric in metrics for sample in metric.samples if sample.value}

    def _files(self) -> list[Path]:
        """Without those that a starting worker has made and not begun to fill."""
        return [path for path in self._folder.glob("*.db") if _size(path)]

    def _workers(self) -> list[int]:
        return sorted(int(_worker_of(path)) for path in self._folder.glob("gauge_livesum_*.db"))


def _worker_of(path: Path) -> str:
    return path.stem.rsplit("_", 1)[1]


def _counts(path: Path, written: Container[str]) -> bool:
    kind = path.stem.rsplit("_", 1)[0]
    return kind != f"gauge_{WRITTEN_TOGETHER}" and (kind not in _STATES or _worker_of(path) in written)


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:  # of a worker that was forgotten meanwhile
        return 0


def doubt(metric: Metric, silence: float) -> Metric:
    """What is known of the mirrors when one of the workers has been silent for so many seconds."""
    if metric.name == _FRESH:
        metric.samples = [sample._replace(value=0.0) for sample in metric.samples]
    elif metric.name == _AGE:
        metric.samples = [sample._replace(value=max(sample.value, silence)) for sample in metric.samples]
    return metric


def add_up(processes: Iterable[Iterable[Metric]]) -> Iterable[Metric]:
    """What processes use, together; they are as old as the oldest of them."""
    found: dict[str, Metric] = {}
    for metric in (metric for metrics in processes for metric in metrics):
        kept = found.setdefault(metric.name, Metric(metric.name, metric.documentation, metric.type))
        values = [sample.value for sample in (*kept.samples, *metric.samples)]
        value = min(values) if metric.name == _OLDEST else sum(values)
        kept.samples = [metric.samples[0]._replace(value=value)]
    return found.values()
