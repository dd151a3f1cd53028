"""Projects the journal into the run history and answers for it over HTTP."""
