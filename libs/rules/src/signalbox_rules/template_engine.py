"""Liquid as Signalbox allows it.

python-liquid parses templates and runs their tags. Which tags and filters there are, how values are found and
written, and when a rendering stops is decided here: nothing reads a file, a clock or an attribute.
"""

from io import StringIO
from typing import Any, Final, TextIO

from liquid import Environment, RenderContext, Token
from liquid.ast import BlockNode, Node
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
from liquid.expression import Expression
from liquid.template import BoundTemplate
from liquid.undefined import UNDEFINED, Undefined
from liquid.utils import ReadOnlyChainMap
from markupsafe import Markup

from signalbox_rules.filters.registry import FILTERS
from signalbox_rules.paths import MISSING
from signalbox_rules.template_limits import (
    ITERATIONS_MAX,
    NESTING_MAX,
    OUTPUT_CHARACTERS_MAX,
    Bookkeeping,
    TemplateLimitReached,
    check_length,
)
from signalbox_rules.template_values import CHANNELS, Channel, value_in, written


class Buffer(StringIO):
    """An output that keeps to its length, and keeps line ends as they are."""

    def __init__(self, earlier: int = 0) -> None:
        super().__init__(newline="")
        self.characters = earlier

    def write(self, text: str, /) -> int:
        """Add text. Raises TemplateLimitReached."""
        self.characters += len(text)
        check_length(self.characters)
        return super().write(text)


class Render(RenderContext):
    """One rendering: where python-liquid looks values, filters and limits up."""

    def __init__(self, template: BoundTemplate, variables: dict[str, Any], books: Bookkeeping) -> None:
        super().__init__(template, globals=variables)
        self.scope = ReadOnlyChainMap(self.locals, self.globals)  # without python-liquid's `now` and `today`
        self.books = books

    def get(self, path: list[object], *, token: Any, default: object = UNDEFINED) -> object:
        """The value at a path; what is not there is nothing, and noted."""
        value = value_in(self.scope, path)
        if value is not MISSING:
            self.books.read(value)
            return value
        self.books.missing(path)
        return Undefined(str(path[0]), token=token)

    def filter(self, name: str, token: Any) -> Any:
        """A filter that takes no more than is allowed."""
        function = super().filter(name, token)

        def limited(value: Any, *arguments: Any) -> Any:
            return self.books.filtered(name, function, _defined(value), [_defined(one) for one in arguments])

        return limited

    def raise_for_loop_limit(self, length: int = 1) -> None:
        """Called by python-liquid before a loop starts."""
        self.books.budget.loop(length)

    def get_buffer(self, buf: Any = None) -> Buffer:
        """A buffer for a part of the output, such as a captured one."""
        return Buffer(buf.characters if isinstance(buf, Buffer) else 0)


def _defined(value: Any) -> Any:
    return None if isinstance(value, Undefined) else value


class ChannelOutputNode(OutputNode):
    """`{{ … }}` and `{% echo … %}`: a value, written for the channel."""

    def render_to_output(self, context: Any, buffer: TextIO) -> int:
        """Write the value."""
        return buffer.write(written(_defined(self.expression.evaluate(context)), context.env.channel))


class ChannelOutput(Output):
    """Makes ChannelOutputNodes."""

    node_class = ChannelOutputNode


class ChannelEcho(echo_tag.EchoTag):
    """Makes ChannelOutputNodes."""

    node_class = ChannelOutputNode  # type: ignore[assignment]


class ChannelCaptureNode(capture_tag.CaptureNode):
    """`{% capture %}`: its values were escaped when they were written, so as HTML it stays as it is."""

    def _assign(self, context: Any, buf: Any) -> None:
        text = buf.getvalue()
        context.assign(self.name, Markup(text) if context.env.channel == "html" else text)  # noqa: S704


class ChannelCapture(capture_tag.CaptureTag):
    """Makes ChannelCaptureNodes."""

    node_class = ChannelCaptureNode


class CountedBlock(BlockNode):
    """What a loop repeats; each round counts for what is inside."""

    __slots__ = ("steps",)

    def __init__(self, block: BlockNode) -> None:
        super().__init__(block.token, block.nodes)
        self.steps = 1 + _steps_in(block)

    def render_to_output(self, context: Any, buffer: TextIO) -> int:
        """Go through one round."""
        context.books.budget.round(self.steps)
        return super().render_to_output(context, buffer)


_STATIC: Final = RenderContext(BoundTemplate(Environment(), nodes=[]))


def _steps_in(node: Node) -> int:
    """Tags, outputs and values; of a loop inside only its head, since its rounds count for themselves."""
    expressions = sum(map(_values_in, node.expressions()))
    if isinstance(node, CountedBlock):
        return 1 + expressions
    return 1 + expressions + sum(map(_steps_in, node.children(_STATIC)))


def _values_in(expression: Expression) -> int:
    return 1 + sum(map(_values_in, expression.children()))


class LimitedForNode(for_tag.ForNode):
    """`{% for %}`: python-liquid would make a list of a range before it counts the rounds."""

    def __init__(self, token: Token, expression: Any, block: BlockNode, default: Any = None) -> None:
        super().__init__(token, expression, CountedBlock(block), default)

    def render_to_output(self, context: Any, buffer: TextIO) -> int:
        """Run the loop."""
        iterable = self.expression.iterable.evaluate(context)
        if isinstance(iterable, range) and iterable.stop - iterable.start > ITERATIONS_MAX:
            raise TemplateLimitReached(f"the template loops more than {ITERATIONS_MAX:,} times")
        return super().render_to_output(context, buffer)


class LimitedFor(for_tag.ForTag):
    """Makes LimitedForNodes."""

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
    local_namespace_limit = 2 * OUTPUT_CHARACTERS_MAX

    def __init__(self, channel: Channel) -> None:
        self.channel: Channel = channel
        super().__init__()

    def setup_tags_and_filters(self, *, extra: bool = False) -> None:
        """Only what is named here: python-liquid has tags that load files, and a filter with a clock."""
        for tag in _TAGS:
            self.add_tag(tag)
        if self.channel in ("text", "html"):  # elsewhere a captured text would be escaped twice
            self.add_tag(ChannelCapture)
        for entry in FILTERS:
            self.add_filter(entry.name, entry.function)


ENVIRONMENTS: Final = {channel: ChannelEnvironment(channel) for channel in CHANNELS}
