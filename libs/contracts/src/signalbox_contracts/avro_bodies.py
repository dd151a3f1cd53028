"""Readers and writers of Avro bodies: Python source made from a schema when it is first used.

A general reader looks every field's type up again for each message and hands over a dictionary, from which
the message is then made. Here the schema is unrolled into straight code from bytes to the message and back
(a token: 22 µs to write and 20 to read before, 3 and 8 so). Only schemas of this release become code, never
data. What is written is the same to the byte as fastavro's, a law in tests/property/contracts.
"""

from collections.abc import Callable, Mapping
from struct import Struct
from typing import Any, Literal, get_args, get_origin, get_type_hints

import msgspec

Read = Callable[[bytes, int], tuple[Any, int]]
"""Bytes and a position → the message and the position after it. Raises what stands in BROKEN."""
Write = Callable[[Any, bytes], bytes]
"""A message and its header → the wire form."""

BROKEN = (ValueError, IndexError, KeyError)
"""What a reader raises for bytes that are no such body. One cut short may also end past the data."""

_DOUBLE = Struct("<d")
_LONG_BITS = 64
_REMEMBERED_LONGS = 4_096


class _Longs(dict[int, bytes]):
    """The wire form of integers. Lengths and times of the same millisecond come again and again."""

    def __missing__(self, number: int) -> bytes:
        if len(self) > _REMEMBERED_LONGS:
            self.clear()
        data = self[number] = _long_bytes(number)
        return data


def _long_bytes(number: int) -> bytes:
    if not -(1 << 63) <= number < 1 << 63:
        raise OverflowError(f"{number} does not fit into 64 bits")
    rest = number << 1 if number >= 0 else (-number << 1) - 1
    data = bytearray()
    while rest > 0x7F:
        data.append(rest & 0x7F | 0x80)
        rest >>= 7
    data.append(rest)
    return bytes(data)


_LONGS = _Longs()


def _read_long(data: bytes, at: int) -> tuple[int, int]:
    """The zig-zag form (not yet a signed number) at a position, and the position after it."""
    number = shift = 0
    while (byte := data[at]) > 0x7F:
        number |= (byte & 0x7F) << shift
        shift += 7
        at += 1
        if shift >= _LONG_BITS:
            raise ValueError("an integer has more than 64 bits")
    number |= byte << shift
    if number >> _LONG_BITS:
        raise ValueError("an integer has more than 64 bits")
    return number, at + 1


def _read_double(data: bytes, at: int) -> float:
    if at + _DOUBLE.size > len(data):
        raise IndexError("a number is cut short")
    number: float = _DOUBLE.unpack_from(data, at)[0]
    return number


def _refuse(what: str) -> None:
    raise ValueError(what)


def reader_of(schema: Any, classes: Mapping[str, type[msgspec.Struct]]) -> Read:
    """The reader of a parsed record schema. `classes` are the messages and their parts by name."""
    source = _Source()
    source.names |= {
        "read_long": _read_long,
        "read_double": _read_double,
        "refuse": _refuse,
    }
    result = _ReaderMaker(source, classes).record(schema, 1)
    source.add(1, f"return {result}, p")
    return source.function("def read(d, p):")


def writer_of(schema: Any) -> Write:
    """The writer of a parsed record schema."""
    source = _Source()
    source.names |= {"longs": _LONGS, "double": _DOUBLE.pack}
    maker = _WriterMaker(source)
    source.add(1, "parts = [header]")
    maker.record(schema, "m", 1)
    maker.flush(1)
    source.add(1, "return b''.join(parts)")
    return source.function("def write(m, header):")


class _Source:
    def __init__(self) -> None:
        self.names: dict[str, Any] = {}
        self._lines: list[str] = []
        self._count = 0

    def add(self, depth: int, *lines: str) -> None:
        self._lines.extend("    " * depth + line for line in lines)

    def new_name(self) -> str:
        self._count += 1
        return f"v{self._count}"

    def function(self, head: str) -> Callable[..., Any]:
        exec("\n".join((head, *self._lines)), self.names)  # noqa: S102, our own schemas, see above
        made: Callable[..., Any] = self.names[head.removeprefix("def ").partition("(")[0]]
        return made


class _ReaderMaker:
    """Each method adds code that reads at `p` and returns the name of what was read."""

    def __init__(self, source: _Source, classes: Mapping[str, type[msgspec.Struct]]) -> None:
        self._source = source
        self._classes = classes

    def record(self, schema: Any, depth: int) -> str:
        name = schema["name"].rpartition(".")[2]
        hints = get_type_hints(self._classes[name])
        self._source.names[name] = self._classes[name]
        given = []
        for field in schema["fields"]:
            read = self.value(field["type"], depth, _literals(hints.get(field["name"])))
            if field["name"] in hints:  # else a field that is no longer of interest
                given.append(f"{field['name']}={read}")
        made = self._source.new_name()
        self._source.add(depth, f"{made} = {name}({', '.join(given)})")
        return made

    def value(self, schema: Any, depth: int, allowed: tuple[str, ...] = ()) -> str:
        add = self._source.add
        match _kind(schema):
            case "string" | "bytes" as kind:
                read = self._source.new_name()
                self._long(depth)
                add(depth, "if n & 1: refuse('a length is negative')", "e = p + (n >> 1)")
                if allowed:
                    table = f"{read}_allowed"
                    self._source.names[table] = {text.encode(): text for text in allowed}
                    add(depth, f"{read} = {table}[d[p:e]]")
                else:
                    add(depth, f"{read} = d[p:e]" + (".decode()" if kind == "string" else ""))
                add(depth, "p = e")
                return read
            case "int" | "long":
                read = self._source.new_name()
                self._long(depth)
                add(depth, f"{read} = (n >> 1) ^ -(n & 1)")
                return read
            case "boolean":
                read = self._source.new_name()
                add(depth, f"{read} = d[p] == 1", "if d[p] > 1: refuse('a truth value is neither')", "p += 1")
                return read
            case "double":
                read = self._source.new_name()
                add(depth, f"{read} = read_double(d, p)", "p += 8")
                return read
            case "array":
                return f"tuple({self._blocks(schema, depth, 'items', allowed)})"
            case "map":
                return self._blocks(schema, depth, "values", allowed)
            case "record":
                return self.record(schema, depth)
            case "optional":
                read = self._source.new_name()
                add(depth, "n = d[p]; p += 1", f"if n == 0: {read} = None", "elif n == 2:")
                add(depth + 1, f"{read} = {self.value(schema[1], depth + 1, allowed)}")
                add(depth, "else: refuse('an optional value is neither there nor absent')")
                return read
            case kind:
                raise TypeError(f"{kind} is not used in schemas/messages so far; add it here.")

    def _long(self, depth: int) -> None:
        """Reads the zig-zag form of an integer to `n`."""
        add = self._source.add
        add(depth, "n = d[p]", "if n < 128: p += 1", "else:")
        # Two bytes are nearly always enough for a length; they are not worth a call.
        add(depth + 1, "e = d[p + 1]", "if e < 128: n = n & 127 | e << 7; p += 2")
        add(depth + 1, "else: n, p = read_long(d, p)")

    def _blocks(
        self, schema: Any, depth: int, of: Literal["items", "values"], allowed: tuple[str, ...]
    ) -> str:
        add = self._source.add
        read = self._source.new_name()
        add(depth, f"{read} = {'[]' if of == 'items' else '{}'}", "while True:")
        # A negative count is followed by the block's size in bytes.
        self._long(depth + 1)
        add(depth + 1, "if n & 1: n += 1; _, p = read_long(d, p)")
        add(depth + 1, "if n == 0: break", "for _ in range(n >> 1):")
        if of == "items":
            add(depth + 2, f"{read}.append({self.value(schema['items'], depth + 2, allowed)})")
        else:
            key = self.value("string", depth + 2)
            add(depth + 2, f"{read}[{key}] = {self.value(schema['values'], depth + 2, allowed)}")
        return read


class _WriterMaker:
    """Each method adds code that writes the value of an expression."""

    def __init__(self, source: _Source) -> None:
        self._source = source
        self._ready: list[str] = []
        """Expressions of bytes that are next."""

    def flush(self, depth: int) -> None:
        if self._ready:
            self._source.add(depth, f"parts += ({', '.join(self._ready)},)")
            self._ready.clear()

    def record(self, schema: Any, expression: str, depth: int) -> None:
        for field in schema["fields"]:
            self._value(field["type"], f"{expression}.{field['name']}", depth)

    def _value(self, schema: Any, expression: str, depth: int) -> None:
        add = self._source.add
        match _kind(schema):
            case "string" | "bytes" as kind:
                data = self._source.new_name()
                add(depth, f"{data} = {expression}" + (".encode()" if kind == "string" else ""))
                self._ready += [f"longs[len({data})]", data]
            case "int" | "long":
                self._ready.append(f"longs[{expression}]")
            case "boolean":
                self._ready.append(rf"b'\1' if {expression} else b'\0'")
            case "double":
                self._ready.append(f"double({expression})")
            case "array" | "map" as kind:
                self._blocks(schema, kind, expression, depth)
            case "record":
                made = self._source.new_name()
                add(depth, f"{made} = {expression}")
                self.record(schema, made, depth)
            case "optional":
                made = self._source.new_name()
                self.flush(depth)
                add(depth, f"{made} = {expression}", rf"if {made} is None: parts.append(b'\0')", "else:")
                self._ready.append(r"b'\2'")
                self._value(schema[1], made, depth + 1)
                self.flush(depth + 1)
            case kind:
                raise TypeError(f"{kind} is not used in schemas/messages so far; add it here.")

    def _blocks(self, schema: Any, kind: str, expression: str, depth: int) -> None:
        made, each = self._source.new_name(), self._source.new_name()
        self.flush(depth)
        self._source.add(depth, f"{made} = {expression}", f"if {made}:")
        self._source.add(depth + 1, f"parts.append(longs[len({made})])")
        if kind == "array":
            self._source.add(depth + 1, f"for {each} in {made}:")
            self._value(schema["items"], each, depth + 2)
        else:
            self._source.add(depth + 1, f"for {each}_key, {each} in {made}.items():")
            self._value("string", f"{each}_key", depth + 2)
            self._value(schema["values"], each, depth + 2)
        self.flush(depth + 2)
        self._ready.append(r"b'\0'")


def _kind(schema: Any) -> str:
    match schema:
        case ["null", _]:
            return "optional"
        case {"type": str(kind)}:
            return kind
        case str(kind):
            return kind
        case _:
            return str(schema)


def _literals(hint: Any) -> tuple[str, ...]:
    """The texts that a field may have, where the message says so; those of an optional one too."""
    if get_origin(hint) is Literal:
        return get_args(hint)
    for part in get_args(hint):
        found = _literals(part)
        if found:
            return found
    return ()
