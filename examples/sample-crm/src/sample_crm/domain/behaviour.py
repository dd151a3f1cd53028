"""A switch for tests and demonstrations: a CRM that says no, answers late, twice, or not at all."""

from datetime import timedelta

from pydantic import BaseModel, ConfigDict, Field

from sample_crm.domain.commands import Rejected
from signalbox_contracts.messages import CrmCommand


class Behaviour(BaseModel):
    """How commands are answered from now on. The default is a CRM that behaves."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    reject: bool = Field(default=False, description="Reject new commands instead of applying them")
    reject_reason: str = Field(default="This CRM was told to reject.", description="The reason given then")
    reject_types: tuple[str, ...] = Field(
        default=(), description="Only these kinds of command; empty means all"
    )
    delay_ms: int = Field(
        default=0, ge=0, description="How long an answer is held back; the change is made at once"
    )
    delay_every: int = Field(default=1, ge=1, description="Hold back only every n-th answer")
    answers: int = Field(default=1, ge=0, le=10, description="How often each answer is sent; 0 means never")

    def refusal(self, command: CrmCommand) -> Rejected | None:
        """The rejection this switch orders, if any."""
        if self.reject and (not self.reject_types or command.type in self.reject_types):
            return Rejected("told-to-reject", self.reject_reason)
        return None

    def delay(self, answer_number: int) -> timedelta:
        """How long the answer with this running number is held back."""
        held = answer_number % self.delay_every == 0
        return timedelta(milliseconds=self.delay_ms if held else 0)
