"""What /metrics shows: the counters of a relay or gateway, as Prometheus names them.

Names and labels are from closed lists; nobody's alias, key, tag or address is one.
"""

from collections.abc import Callable, Iterable
from importlib.metadata import version
from typing import Any

from voip.gateway.counts import Direction, GatewayCounts, Kind
from voip.signalling.counts import BOUNDS_S, RelayCounts


class Series:
    """Shows counters to prometheus-client when a scrape asks.

    What it gives are that library's metrics; it is optional, and so are its types.
    """

    def __init__(
        self, counts: RelayCounts | GatewayCounts, *, is_ready: Callable[[], bool]
    ) -> None:
        self._counts = counts
        self._is_ready = is_ready

    def collect(self) -> Iterable[Any]:
        """Give all series."""
        from prometheus_client.core import (  # noqa: PLC0415 - as above
            GaugeMetricFamily,
            InfoMetricFamily,
        )

        yield InfoMetricFamily(
            "ringfence_build",
            "Which version runs.",
            value={"version": version("ringfence")},
        )
        yield GaugeMetricFamily(
            "ringfence_ready",
            "Whether new work may come here.",
            value=float(self._is_ready()),
        )
        if isinstance(self._counts, RelayCounts):
            yield from _relay_series(self._counts)
        else:
            yield from _gateway_series(self._counts)


def _relay_series(counts: RelayCounts) -> Iterable[Any]:
    from prometheus_client.core import (  # noqa: PLC0415 - as above
        CounterMetricFamily,
        GaugeMetricFamily,
        HistogramMetricFamily,
    )

    yield GaugeMetricFamily(
        "ringfence_relay_connections", "Clients connected.", value=counts.connections
    )
    turned = CounterMetricFamily(
        "ringfence_relay_turned_away", "Clients not let in.", labels=["reason"]
    )
    for reason, count in counts.turned_away.items():
        turned.add_metric([reason], count)
    yield turned
    frames = CounterMetricFamily(
        "ringfence_relay_frames", "Requests answered.", labels=["op", "status"]
    )
    for (op, status), count in counts.frames.items():
        frames.add_metric([op, status.name.lower()], count)
    yield frames
    seconds = HistogramMetricFamily(
        "ringfence_relay_store_seconds", "What the store took.", labels=["call"]
    )
    for call, histogram in counts.store_s.items():
        total, buckets = 0, []
        for bound, count in zip([*BOUNDS_S, "+Inf"], histogram.buckets, strict=True):
            total += count
            buckets.append((str(bound), float(total)))
        seconds.add_metric([call], buckets, histogram.total_s)
    yield seconds
    errors = CounterMetricFamily(
        "ringfence_relay_store_errors", "Calls that failed.", labels=["call"]
    )
    for call, count in counts.store_errors.items():
        errors.add_metric([call], count)
    yield errors
    yield CounterMetricFamily(
        "ringfence_relay_turn_issued", "TURN credentials made.", counts.turn_issued
    )


def _gateway_series(counts: GatewayCounts) -> Iterable[Any]:
    from prometheus_client.core import (  # noqa: PLC0415 - as above
        CounterMetricFamily,
        GaugeMetricFamily,
    )

    legs = GaugeMetricFamily(
        "ringfence_gateway_legs", "Legs joined.", labels=["kind", "mark"]
    )
    for (kind, mark), count in counts.legs.items():
        legs.add_metric([kind, mark], count)
    yield legs
    ends = CounterMetricFamily(
        "ringfence_gateway_leg_ends", "Legs ended.", labels=["kind", "reason"]
    )
    for (kind, end), count in counts.ends.items():
        ends.add_metric([kind, end], count)
    yield ends
    frames = CounterMetricFamily(
        "ringfence_gateway_frames",
        "Frames, by what became of them.",
        labels=["kind", "direction", "result"],
    )
    for kind in Kind:
        for way in Direction:
            of_leg = counts.frames(kind, way)
            frames.add_metric([kind, way, "passed"], of_leg.passed)
            frames.add_metric([kind, way, "dropped"], of_leg.dropped)
            frames.add_metric([kind, way, "failed"], of_leg.failed)
    yield frames
    invites = CounterMetricFamily(
        "ringfence_gateway_invites", "Invite links.", labels=["event"]
    )
    for event, number in counts.invites.items():
        invites.add_metric([event], number)
    yield invites
    yield GaugeMetricFamily(
        "ringfence_gateway_sip_registered",
        "SIP accounts that are registered.",
        value=counts.sip_registered,
    )
    yield GaugeMetricFamily(
        "ringfence_gateway_sip_accounts",
        "SIP accounts that should be registered.",
        value=counts.sip_accounts,
    )
    yield CounterMetricFamily(
        "ringfence_gateway_worker_restarts",
        "Starts of the SIP worker after the first.",
        counts.worker_restarts,
    )
