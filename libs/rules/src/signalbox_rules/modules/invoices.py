"""Invoices."""

from signalbox_rules.modules.module import CREATED, Module, TriggerEvent

INVOICES = Module(
    "invoices",
    "Invoice",
    (
        CREATED,
        TriggerEvent("sent", "is sent"),
        TriggerEvent("paid", "is paid"),
        TriggerEvent("overdue", "becomes overdue"),
    ),
)
