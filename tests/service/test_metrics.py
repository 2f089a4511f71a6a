# SPDX-License-Identifier: Apache-2.0
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.parser import text_string_to_metric_families

from tessera_service.metrics import Metrics
from tessera_service.shared_metrics import add_up


def read(metrics: Metrics, name: str, **labels: str) -> float | None:
    """The value of one series."""
    return metrics.registry.get_sample_value(name, labels)


def test_requests_are_counted_by_route_method_and_status() -> None:
    metrics = Metrics()
    for status in (200, 200, 404):
        metrics.count_request(route="/v1/token", method="POST", status=status, seconds=0.02)

    assert read(metrics, "tessera_http_requests_total", route="/v1/token", method="POST", status="200") == 2
    assert read(metrics, "tessera_http_requests_total", route="/v1/token", method="POST", status="404") == 1
    count = "tessera_http_request_duration_seconds_count"
    assert read(metrics, count, route="/v1/token", method="POST") == 3


def test_a_duration_falls_into_its_bucket() -> None:
    metrics = Metrics()
    metrics.count_request(route="/livez", method="GET", status=200, seconds=0.005)

    bucket = "tessera_http_request_duration_seconds_bucket"
    assert read(metrics, bucket, route="/livez", method="GET", le="0.005") == 1
    assert read(metrics, bucket, route="/livez", method="GET", le="0.0025") == 0


def test_invented_methods_make_no_series_of_their_own() -> None:
    metrics = Metrics()
    for number in range(20):
        metrics.count_request(route="unmatched", method=f"M{number}", status=405, seconds=0)

    assert read(metrics, "tessera_http_requests_total", route="unmatched", method="OTHER", status="405") == 20


def test_a_watched_value_is_read_when_it_is_asked_for() -> None:
    metrics, values = Metrics(), [1.0]
    metrics.watch("tessera_some_state", "Some state", lambda: values[-1])
    values.append(2.0)

    assert read(metrics, "tessera_some_state") == 2


def test_each_of_several_watched_values_is_a_series() -> None:
    metrics, values = Metrics(), {"a": 1.0, "b": 2.0}
    metrics.watch_each("tessera_lag", "Lag", "sink", {name: lambda name=name: values[name] for name in values})  # type: ignore[misc]
    values["a"] = 3.0

    assert read(metrics, "tessera_lag", sink="a") == 3
    assert read(metrics, "tessera_lag", sink="b") == 2


def test_two_registries_do_not_mix() -> None:
    first, second = Metrics(), Metrics()
    first.refreshes.labels("ok").inc()

    assert read(second, "tessera_refreshes_total", outcome="ok") is None


def test_the_text_can_be_read_by_prometheus_and_names_no_tenant() -> None:
    metrics = Metrics()
    metrics.count_request(route="/v1/token", method="POST", status=200, seconds=0.1)
    families = list(text_string_to_metric_families(metrics.render().decode()))

    names = {family.name for family in families}
    labels = {label for family in families for sample in family.samples for label in sample.labels}
    assert {"tessera_http_requests", "tessera_http_request_duration_seconds", "process_resident_memory_bytes"} <= names
    assert labels <= {"route", "method", "status", "le", "version", "implementation", "major", "minor", "patchlevel"}


def test_processes_together_use_what_each_uses_and_are_as_old_as_the_oldest() -> None:
    def process(name: str, value: float) -> GaugeMetricFamily:
        return GaugeMetricFamily(f"process_{name}", "Text", value=value)

    first = [process("open_fds", 3), process("start_time_seconds", 100)]
    second = [process("open_fds", 4), process("start_time_seconds", 50), process("max_fds", 9)]

    added = {metric.name: [sample.value for sample in metric.samples] for metric in add_up([first, second])}

    assert added == {"process_open_fds": [7], "process_start_time_seconds": [50], "process_max_fds": [9]}
