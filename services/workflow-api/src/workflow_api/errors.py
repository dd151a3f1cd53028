"""What can be wrong with what people send."""


class WorkflowApiError(ValueError):
    """Base; the text says what was wrong, where, and what to do."""


class UnreadableDocument(WorkflowApiError):
    """A body that is not JSON or YAML, or uses a part of it that is not allowed."""


class MailNotTaken(WorkflowApiError):
    """A mail server that can't be reached, or that refuses."""
