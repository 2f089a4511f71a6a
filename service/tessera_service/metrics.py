# SPDX-License-Identifier: Apache-2.0
"""Metrics of one process, in a registry of their own, or of all workers. No label ever holds a tenant, a subject, a raw
path or an id."""

import asyncio
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Literal

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    PlatformCollector,
    ProcessCollector,
    disable_created_metrics,
)
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest

import tessera
from tessera_service.shared_metrics import WRITTEN, WRITTEN_TOGETHER, render_shared

CONTENT_TYPE = CONTENT_TYPE_LATEST
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})

disable_created_metrics()  # type: ignore[no-untyped-call] # one more series for each, that nobody reads

_BUCKETS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


# What several workers' gauges make together; of `sum` what dead workers had counts on.
Together = Literal["livesum", "livemin", "livemax", "sum"]


class Metrics:
    """What this process has done and how it is; with `shared`, a folder of `share_metrics`, what all workers have."""

    def __init__(self, *, shared: Path | None = None) -> None:
        self._shared = shared
        self._watched: list[tuple[Gauge, Callable[[], float]]] = []
        self.registry = CollectorRegistry(auto_describe=True)
        ProcessCollector(registry=self.registry)
        PlatformCollector(registry=self.registry)
        self._requests = Counter(
            "tessera_http_requests",
            "Requests answered, by the route's template (unmatched: none)",
            ("route", "method", "status"),
            registry=self.registry,
        )
        self._durations = Histogram(
            "tessera_http_request_duration_seconds",
            "Time from the head of the request to the end of the answer",
            ("route", "method"),
            buckets=_BUCKETS,
            registry=self.registry,
        )
        self._routes: dict[tuple[str, str, int], tuple[Counter, Histogram]] = {}
        self.in_flight = self._gauge("tessera_http_requests_in_flight", "Requests being answered now", "livesum")
        self.tokens_issued = self._counter("tessera_tokens_issued", "Tokens issued, by kind", "kind")
        self.refreshes = self._counter("tessera_refreshes", "Refreshes, by outcome", "outcome")
        self.revocations = self._counter("tessera_revocations", "Revocations, by what and outcome", "what", "outcome")
        self.sign_ins = self._counter("tessera_sign_ins", "Sign-ins, by method and outcome", "method", "outcome")
        self.introspections = self._counter("tessera_introspections", "Introspections, by outcome", "outcome")
        self.store_errors = self._counter("tessera_store_errors", "Calls that failed because a store did", "call")
        self.overloads = self._counter("tessera_overloads", "Calls refused because all was full", "call")

        self._written: Gauge | None = None
        if shared is not None:
            text = "When this worker wrote its state"
            self._written = Gauge(WRITTEN, text, registry=self.registry, multiprocess_mode=WRITTEN_TOGETHER)

    def count_request(self, *, route: str, method: str, status: int, seconds: float | None) -> None:
        """One answered request. `seconds` None: its time is none of the service's."""
        key = (route, method, status)
        found = self._routes.get(key)
        if found is None:
            method = method if method in METHODS else "OTHER"
            found = self._requests.labels(route, method, str(status)), self._durations.labels(route, method)
            if len(self._routes) < 4096:  # a client chooses the method's text
                self._routes[key] = found
        found[0].inc()
        if seconds is not None:
            found[1].observe(seconds)

    def watch(self, name: str, text: str, read: Callable[[], float], *, together: Together = "livesum") -> None:
        """A gauge that is read when it is asked for; of several workers by `write`."""
        self._watch(self._gauge(name, text, together), read)

    def watch_each(
        self,
        name: str,
        text: str,
        label: str,
        reads: Mapping[str, Callable[[], float]],
        *,
        together: Together = "livesum",
    ) -> None:
        """A gauge with one series for each value of the label, read when it is asked for; of several workers by
        `write`."""
        gauge = Gauge(name, text, (label,), registry=self.registry, multiprocess_mode=together)
        for value, read in reads.items():
            self._watch(gauge.labels(value), read)

    @property
    def is_shared(self) -> bool:
        """Whether other workers count too: then `write` has to be called again and again."""
        return self._shared is not None

    async def write(self) -> None:
        """Leaves what is watched here where the other workers find it, and then when that was."""
        for gauge, read in self._watched:
            gauge.set(read())
        if self._written is not None:
            self._written.set(tessera.boottime_ns() / 1e9)

    def render(self) -> bytes:
        """What this process has counted, in the Prometheus text format (CONTENT_TYPE)."""
        return generate_latest(self.registry)

    async def render_all(self) -> bytes:
        """What all workers have; alone, this process."""
        if self._shared is None:
            return self.render()
        await self.write()
        return await asyncio.to_thread(render_shared, self._shared)  # it reads some files for each worker

    def _watch(self, gauge: Gauge, read: Callable[[], float]) -> None:
        if self._shared is None:
            gauge.set_function(read)
        else:
            self._watched.append((gauge, read))

    def _counter(self, name: str, text: str, *labels: str) -> Counter:
        return Counter(name, text, labels, registry=self.registry)

    def _gauge(self, name: str, text: str, together: Together) -> Gauge:
        return Gauge(name, text, registry=self.registry, multiprocess_mode=together)
