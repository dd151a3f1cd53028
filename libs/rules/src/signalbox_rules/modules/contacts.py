"""Contacts."""

from signalbox_rules.modules.module import CREATED, UPDATED, Module

CONTACTS = Module("contacts", "Contact", (CREATED, UPDATED))
