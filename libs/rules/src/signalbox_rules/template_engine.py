"""Liquid as Signalbox allows it: which tags and filters there are, how output is escaped, and the limits.

python-liquid parses and runs templates. What it writes, which filters it knows and when it stops is decided
here.
"""

from typing import Any, Final, Literal, TextIO
from urllib.parse import quote

from liquid import Environment, RenderContext
from liquid.builtin import content, illegal
from liquid.builtin.output import Output, OutputNode
from liquid.builtin.tags import (
    assign_tag,
    capture_tag,
    case_tag,
    comment_tag,
    echo_tag,
    for_tag,
    if_tag,
    inline_comment_tag,
    unless_tag,
)
from liquid.exceptions import LiquidError
from liquid.template import BoundTemplate
from liquid.undefined import UNDEFINED, Undefined
from markupsafe import Markup, escape

from signalbox_rules.filters.filter import FilterRefused, to_text
from signalbox_rules.filters.registry import FILTERS

Channel = Literal["text", "html", "header", "url"]

OUTPUT_CHARACTERS_MAX: Final = 262_144  # of one rendered text; a mail server refuses much more
ITERATIONS_MAX: Final = 10_000  # of all loops of one template together
NESTING_MAX: Final = 20
WORK_CHARACTERS_MAX: Final = 8_388_608  # that all filters of one template may read and write together

_CONTROL_TO_SPACE: Final = dict.fromkeys((*range(32), 127, 133, 8232, 8233), " ")


class TemplateLimitReached(LiquidError):
    """A template wrote, looped or worked more than is allowed."""


def escaped(text: str, channel: Channel) -> str:
    """A value's text as it may stand in a channel's output."""
    match channel:
        case "html":
            return str(escape(text))
        case "header":
            return text.translate(_CONTROL_TO_SPACE)
        case "url":
            return quote(text, safe="", errors="replace")
        case "text":
            return text


class Render(RenderContext):
    """One rendering: python-liquid's context, which also remembers what was missing and how much was done."""

    def __init__(self, template: BoundTemplate, variables: dict[str, Any]) -> None:
        super().__init__(template, globals=variables)
        self.warnings: list[str] = []
        self.optional: frozenset[str] = frozenset()
        self.iterations = 0
        self.work = 0

    def get(self, path: list[object], *, token: Any, default: object = UNDEFINED) -> object:
        """The value at a path; what is not there is nothing, and noted."""
        value = super().get(path, token=token, default=default)
        if isinstance(value, Undefined):
            name = ".".join(str(step) for step in path)
            if name not in self.optional:
                self.warn(f"{name} is not there")
        return value

    def warn(self, warning: str) -> None:
        """Note what a person should know about the output."""
        if warning not in self.warnings and len(self.warnings) < 20:
            self.warnings.append(warning)

    def filter(self, name: str, token: Any) -> Any:
        """A filter that counts what it does."""
        function = super().filter(name, token)

        def counted(value: Any, *arguments: Any, **named: Any) -> Any:
            self.spend(value)
            given = [None if isinstance(argument, Undefined) else argument for argument in arguments]
            try:
                result = function(None if isinstance(value, Undefined) else value, *given, **named)
            except FilterRefused as refused:
                self.warn(f"{name}: {refused}")
                return None
            self.spend(result)
            return result

        return counted

    def spend(self, value: Any) -> None:
        """Count the size of a value that was read or made."""
        self.work += len(value) if isinstance(value, str | list) else 1
        if self.work > WORK_CHARACTERS_MAX:
            raise TemplateLimitReached(
                f"the template works on more than {WORK_CHARACTERS_MAX:,} characters", token=None
            )

    def raise_for_loop_limit(self, length: int = 1) -> None:
        """Count the rounds of a loop that is about to start."""
        self.iterations += length
        if self.iterations > ITERATIONS_MAX:
            raise TemplateLimitReached(f"the template loops more than {ITERATIONS_MAX:,} times", token=None)


class ChannelOutputNode(OutputNode):
    """Output of a value: as text, escaped for the channel, unless a filter already made HTML of it for
    HTML.
    """

    def render_to_output(self, context: Any, buffer: TextIO) -> int:
        """Write the value."""
        env: ChannelEnvironment = context.env
        value = self.expression.evaluate(context)
        if isinstance(value, Undefined):
            return 0
        if env.channel == "html" and isinstance(value, Markup):
            return buffer.write(str(value))
        return buffer.write(escaped(to_text(_plain(value)), env.channel))


def _plain(value: Any) -> Any:
    return str(value) if isinstance(value, Markup) else value


class ChannelOutput(Output):
    node_class = ChannelOutputNode


class ChannelEcho(echo_tag.EchoTag):
    node_class = ChannelOutputNode  # type: ignore[assignment]


class ChannelCaptureNode(capture_tag.CaptureNode):
    """What was written inside is escaped already, so as HTML it stays as it is."""

    def _assign(self, context: Any, buf: Any) -> None:
        text = buf.getvalue()
        safe = Markup(text) if context.env.channel == "html" else text  # noqa: S704 - escaped when it was written
        context.assign(self.name, safe)


class ChannelCapture(capture_tag.CaptureTag):
    node_class = ChannelCaptureNode


class LimitedForNode(for_tag.ForNode):
    """A loop whose range is measured before anything is made of it."""

    def render_to_output(self, context: Any, buffer: TextIO) -> int:
        """Run the loop."""
        iterable = self.expression.iterable.evaluate(context)
        if isinstance(iterable, range) and _length(iterable) > ITERATIONS_MAX:
            raise TemplateLimitReached(f"the template loops more than {ITERATIONS_MAX:,} times", token=None)
        return super().render_to_output(context, buffer)


def _length(numbers: range) -> int:
    return max(0, numbers.stop - numbers.start)


class LimitedFor(for_tag.ForTag):
    node_class = LimitedForNode


_TAGS: Final = (
    content.Literal,
    illegal.Illegal,
    ChannelOutput,
    ChannelEcho,
    assign_tag.AssignTag,
    case_tag.CaseTag,
    comment_tag.CommentTag,
    LimitedFor,
    for_tag.BreakTag,
    for_tag.ContinueTag,
    if_tag.IfTag,
    inline_comment_tag.InlineCommentTag,
    unless_tag.UnlessTag,
)


class ChannelEnvironment(Environment):
    """Liquid for one channel."""

    block_nesting_limit = NESTING_MAX
    context_depth_limit = NESTING_MAX + 5
    output_stream_limit = 4 * OUTPUT_CHARACTERS_MAX
    local_namespace_limit = 2 * OUTPUT_CHARACTERS_MAX
    loop_iteration_limit = ITERATIONS_MAX

    def __init__(self, channel: Channel) -> None:
        self.channel: Channel = channel
        super().__init__()

    def setup_tags_and_filters(self, *, extra: bool = False) -> None:
        """Only what is named here; python-liquid would add tags that load files and filters that read the
        clock.
        """
        for tag in _TAGS:
            self.add_tag(tag)
        if self.channel in ("text", "html"):  # elsewhere a captured text would be escaped twice
            self.add_tag(ChannelCapture)
        for entry in FILTERS:
            self.add_filter(entry.name, entry.function)


CHANNELS: Final[tuple[Channel, ...]] = ("text", "html", "header", "url")
ENVIRONMENTS: Final = {channel: ChannelEnvironment(channel) for channel in CHANNELS}
