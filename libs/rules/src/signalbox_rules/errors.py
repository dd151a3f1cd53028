"""What can be refused about the meaning of a workflow."""


class RulesError(ValueError):
    """A part of a workflow that has no meaning; the text says what was wrong and what is allowed."""


class RefusedCondition(RulesError):
    """A comparison that cannot be compiled; `pointer` leads to it from the root of the condition."""

    def __init__(self, pointer: str, detail: str) -> None:
        super().__init__(f"{pointer or 'the condition'}: {detail}")
        self.pointer = pointer
        self.detail = detail


class RefusedTemplate(RulesError):
    """A template that cannot be compiled; `line` is the one-based line the fault is in."""

    def __init__(self, detail: str, line: int) -> None:
        super().__init__(f"line {line}: {detail}")
        self.detail = detail
        self.line = line


class TooMuchToJudge(RulesError):
    """Comparisons that would take more steps than are allowed; the text names the field and the limit."""


class RefusedMail(RulesError):
    """A mail that can never be sent; the text says which part of it is wrong."""


class RenderingFailed(RulesError):
    """A template that reached a limit while it was rendered; nothing of its output may be sent."""
