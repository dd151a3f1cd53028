"""Tasks."""

from signalbox_rules.modules.module import CREATED, Module, TriggerEvent

TASKS = Module("tasks", "Task", (CREATED, TriggerEvent("completed", "is completed")))
