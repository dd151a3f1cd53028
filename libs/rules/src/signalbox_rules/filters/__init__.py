"""The filters of templates: a file per family, and the registry that names them all."""
