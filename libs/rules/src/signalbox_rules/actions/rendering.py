"""Rendering of parameters, shared by the actions: texts, recipients and users, with warnings and problems
gathered.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from signalbox_contracts.definitions.document import Problem
from signalbox_rules.actions.action import ActionContext, Preview
from signalbox_rules.errors import RefusedTemplate, RenderingFailed, RulesError
from signalbox_rules.mail.recipients import parse_recipient
from signalbox_rules.template_values import Channel, without_control
from signalbox_rules.templates import (
    compile_template,
    evaluate,
    has_template,
    render,
    render_value,
)

CONTROL: Final = re.compile(r"[\x00-\x1f\x7f]")


@dataclass(slots=True)
class Rendering:
    """One action's parameters on their way from templates to values."""

    context: ActionContext
    warnings: list[str] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)

    def text(self, pointer: str, source: str, channel: Channel) -> str:
        """A rendered text; empty, with a problem, if that fails."""
        if not has_template(source):
            return source if channel != "header" else without_control(source)
        try:
            rendered = render(compile_template(source, channel), self.context.variables)
        except RefusedTemplate as error:
            self.refuse(pointer, str(error))
            return ""
        except RenderingFailed as error:
            self.refuse(pointer, str(error))
            return ""
        self.warn(pointer, rendered.warnings)
        return rendered.text

    def value(self, pointer: str, value: Any) -> Any:
        """A JSON value with its templates rendered in place."""
        try:
            rendered, warnings = render_value(value, self.context.variables)
        except (RefusedTemplate, RenderingFailed) as error:
            self.refuse(pointer, str(error))
            return None
        self.warn(pointer, warnings)
        return rendered

    def whole_url(self, pointer: str, source: str) -> str:
        """A URL: values inside it are percent-encoded; a template that is only a value gives the URL
        itself.
        """
        if not has_template(source):
            return source
        try:
            template = compile_template(source, "url")
            if template.sole is None:
                return self.text(pointer, source, "url")
            found, warnings = evaluate(template, self.context.variables)
        except (RefusedTemplate, RenderingFailed) as error:
            self.refuse(pointer, str(error))
            return ""
        self.warn(pointer, warnings)
        return found.strip() if isinstance(found, str) else ""

    def addresses(self, pointer: str, sources: Sequence[str], *, required: bool) -> list[str]:
        """Mail addresses: each text is an address, or the id of a user.

        What is empty or no address is left out with a warning, so that one bad member does not keep the
        mail from the others; it is a problem only where nobody is left.
        """
        found: list[str] = []
        wrong: list[str] = []
        for index, source in enumerate(sources):
            text = self.text(f"{pointer}/{index}", source, "text").strip()
            if not text:
                self.warn(f"{pointer}/{index}", ("is empty and left out",))
                continue
            address, why = self._address(text)
            if address is None:
                wrong.append(why)
                self.warn(f"{pointer}/{index}", (f"{wrong[-1]}; it is left out",))
            elif address not in found:
                found.append(address)
        if required and not found and not self.problems:
            self.refuse(pointer, wrong[0] if wrong else "has no recipient; every one of them was empty")
        return found

    def _address(self, text: str) -> tuple[str | None, str]:
        """The address that a text stands for; else None and why not."""
        user = self.context.users.get(text)
        address = user.email if user is not None else text
        try:
            parse_recipient(address)
        except RulesError as error:
            known = f"the address of user {text!r}" if user is not None else f"{text[:80]!r}"
            return None, (
                f"{known} is neither a mail address nor the id of a user in the CRM's catalog: it {error}"
            )
        return address, ""

    def users(self, pointer: str, sources: Sequence[str]) -> list[str]:
        """Ids of users; if the CRM published its users, only those.

        Who is empty or not there any more is left out with a warning; it is a problem where nobody is left.
        """
        found: list[str] = []
        wrong: list[str] = []
        for index, source in enumerate(sources):
            user_id = self.text(f"{pointer}/{index}", source, "text").strip()
            why = self._why_no_user(user_id)
            if why is not None:
                wrong.append(why)
                self.warn(f"{pointer}/{index}", (f"{why}; left out",))
            elif user_id not in found:
                found.append(user_id)
        if sources and not found and not self.problems:
            self.refuse(f"{pointer}/0", wrong[0])
        return found

    def _why_no_user(self, user_id: str) -> str | None:
        if not user_id:
            return "is empty; name a user of the CRM"
        if self.context.users and user_id not in self.context.users:
            return f"{user_id[:80]!r} is not the id of a user in the CRM's catalog"
        return None

    def user(self, pointer: str, source: str) -> str:
        """The id of a user; if the CRM published its users, only one of those."""
        user_id = self.text(pointer, source, "text").strip()
        why = self._why_no_user(user_id)
        if why is not None:
            self.refuse(pointer, why)
        return user_id

    def warn(self, pointer: str, warnings: Sequence[str]) -> None:
        """Note warnings with their place."""
        if warnings:
            self.warnings.extend(f"{pointer}: {warning}" for warning in warnings)

    def refuse(self, pointer: str, detail: str) -> None:
        """Note a problem: nothing will be sent."""
        self.problems.append(Problem(pointer, detail))

    def done(self, parameters: dict[str, Any]) -> Preview:
        """The outcome."""
        return Preview(parameters, tuple(self.warnings), tuple(self.problems))
