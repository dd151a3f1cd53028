"""What the router counts."""

from signalbox_runtime import metrics

EVENTS = metrics.counter(
    "signalbox_router_events_total",
    "Events consumed, by what became of them: unheard, unmatched, requested, duplicate or dead_letter.",
    ["outcome"],
)
CANDIDATES = metrics.counter("signalbox_router_candidates_total", "Workflows whose trigger matched an event.")
