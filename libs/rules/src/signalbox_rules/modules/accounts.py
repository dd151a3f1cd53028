"""Accounts."""

from signalbox_rules.modules.module import CREATED, UPDATED, Module

ACCOUNTS = Module("accounts", "Account", (CREATED, UPDATED))
