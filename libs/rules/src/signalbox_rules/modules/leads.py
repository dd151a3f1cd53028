"""Leads."""

from signalbox_rules.modules.module import CREATED, STAGE_CHANGED, UPDATED, Module, TriggerEvent

LEADS = Module(
    "leads",
    "Lead",
    (
        CREATED,
        UPDATED,
        STAGE_CHANGED,
        TriggerEvent("converted", "is converted", implies=("updated",)),
        TriggerEvent("disqualified", "is disqualified", implies=("updated",)),
    ),
)
