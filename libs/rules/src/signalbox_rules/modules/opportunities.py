"""Opportunities."""

from signalbox_rules.modules.module import CREATED, STAGE_CHANGED, UPDATED, Module, TriggerEvent

OPPORTUNITIES = Module(
    "opportunities",
    "Opportunity",
    (
        CREATED,
        UPDATED,
        STAGE_CHANGED,
        TriggerEvent("closed_won", "is closed as won", implies=("stage_changed", "updated")),
        TriggerEvent("closed_lost", "is closed as lost", implies=("stage_changed", "updated")),
    ),
)
