"""The modules of a CRM and their events: a file per module, and the registry that names them all."""
