"""XML read in one pass and within bounds: chosen elements are kept, of others the texts are heard.

A document type, and with it any entity, is refused, and nothing outside is ever asked for.
"""

import re
from collections.abc import Iterator
from typing import Any, Final, Protocol
from xml.parsers import expat

import msgspec

from ingest.charset import UTF8, readable, to_utf8

MOST_DEEP: Final = 64
MOST_ELEMENTS: Final = 500_000
"""Of a document, more than 16 MB of situations have."""

MOST_CHOSEN: Final = 50_000
MOST_WITHIN: Final = 5_000
MOST_CHARACTERS: Final = 500_000
"""Of an element that is kept: as many positions as a geometry may have need some 400,000."""

_MOST_HEARD: Final = 1_000
_BOM: Final = b"\xef\xbb\xbf"
_UTF16: Final = (b"\xff\xfe", b"\xfe\xff")
_DECLARED: Final = re.compile(rb"<\?xml[^>]{1,200}?\sencoding\s*=\s*[\"']([\w.:-]{1,40})[\"']")


class Unsafe(Exception):
    """XML that is not read further, and why."""


class Unencoded(Exception):
    """XML in a character set that cannot be read, and the cure."""


class Element(msgspec.Struct):
    """An element by its local name; `srs` is the dimension and the name of its coordinates."""

    name: str
    attributes: dict[str, str]
    srs: tuple[str, str] = ("", "")
    text: str = ""
    children: list["Element"] = []

    def child(self, *names: str) -> "Element | None":
        """The first child of one of the names, best name first."""
        return next((c for name in names for c in self.children if c.name == name), None)

    def said(self, *names: str) -> str:
        """The first text of a child of one of the names, best name first; else an empty one."""
        texts = (c.text.strip() for name in names for c in self.children if c.name == name)
        return next(filter(None, texts), "")

    def walk(self) -> Iterator["Element"]:
        """This element and all within it, in the order of the document."""
        pending: list[Element] = [self]
        while pending:
            element = pending.pop()
            yield element
            pending.extend(reversed(element.children))


class Kept(msgspec.Struct):
    """A chosen element with its bytes in the document; with a `fault` it is not whole."""

    element: Element
    start: int
    end: int = 0
    fault: str = ""
    elements: int = 0
    characters: int = 0


class Listener(Protocol):
    """Who is told what a document holds, in its order."""

    def opened(self, name: str, attributes: dict[str, str], start: int) -> None:
        """An element begins that is not kept, at that byte."""
        ...

    def closed(self, name: str, text: str, end: int) -> None:
        """It ends before that byte; `text` is the beginning of the text right before."""
        ...

    def kept(self, kept: Kept) -> None:
        """A chosen element is complete."""
        ...


def in_utf8(body: bytes) -> bytes:
    """The document in UTF-8, from the character set that it declares; raises `Unencoded`."""
    declared = _DECLARED.match(body.removeprefix(_BOM))
    name = declared.group(1).decode().lower() if declared else "utf-8"
    if body.startswith(_UTF16):
        name = "utf-16"
    elif name in UTF8:
        return body.removeprefix(_BOM)
    elif not readable(name):
        raise Unencoded(f"the encoding {name!r} cannot be read; send UTF-8")
    text = to_utf8(body, name)
    if text is None:
        raise Unencoded(f"the text is not {name}; send UTF-8, or declare its encoding")
    return text


def read(body: bytes, chosen: str, listener: Listener) -> None:
    """Read a document in UTF-8; elements named `chosen` are kept, each with all within it.

    Raises `Unsafe`, and `expat.ExpatError` for what is not well-formed. The work is in proportion
    to the bytes, whatever they are.
    """
    _Reader(body, chosen, listener).read()


class _Reader:
    def __init__(self, body: bytes, chosen: str, listener: Listener) -> None:
        self._body = body
        self._chosen = chosen
        self._listener = listener
        self._deep = 0
        self._elements = 0
        self._count = 0
        self._heard = ""
        self._bare = False
        self._kept: Kept | None = None
        self._kept_deep = 0
        self._path: list[Element] = []
        self._texts: list[list[str]] = []
        self._parser = expat.ParserCreate("utf-8")
        self._parser.buffer_text = True
        self._parser.StartElementHandler = self._start
        self._parser.EndElementHandler = self._end
        self._parser.CharacterDataHandler = self._text
        self._parser.StartDoctypeDeclHandler = _doctype

    def read(self) -> None:
        self._parser.Parse(self._body, True)

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        self._deep += 1
        self._elements += 1
        if self._deep > MOST_DEEP:
            raise Unsafe(f"the XML is nested deeper than {MOST_DEEP}; leave out what is around it")
        if self._elements > MOST_ELEMENTS:
            raise Unsafe(f"the XML has more than {MOST_ELEMENTS} elements; send it in parts")
        name = tag.rpartition(":")[2]
        self._heard, self._bare = "", True
        if self._kept is not None:
            self._within(self._kept, name, attributes)
        elif name == self._chosen:
            self._count += 1
            if self._count > MOST_CHOSEN:
                raise Unsafe(f"the XML has more than {MOST_CHOSEN} of {name}; send it in parts")
            self._kept = Kept(Element(name, attributes), self._parser.CurrentByteIndex)
            self._kept_deep = self._deep
            self._path, self._texts = [self._kept.element], [[]]
        else:
            self._listener.opened(name, attributes, self._parser.CurrentByteIndex)

    def _within(self, kept: Kept, name: str, attributes: dict[str, str]) -> None:
        kept.elements += 1
        if name == self._chosen:
            self._spoil(kept, f"it holds a further {name}; put them side by side")
        elif kept.elements > MOST_WITHIN:
            self._spoil(kept, f"it has more than {MOST_WITHIN} elements; divide it")
        if self._path:
            above = self._path[-1]
            dimension, system = above.srs
            srs = attributes.get("srsDimension", dimension), attributes.get("srsName", system)
            element = Element(name, attributes, srs)
            above.children.append(element)
            self._path.append(element)
            self._texts.append([])

    def _text(self, text: str) -> None:
        self._bare = False
        if self._kept is None:
            if len(self._heard) < _MOST_HEARD:
                self._heard += text
            return
        self._kept.characters += len(text)
        if self._kept.characters > MOST_CHARACTERS:
            self._spoil(self._kept, f"it has more than {MOST_CHARACTERS} characters; simplify it")
        if self._texts:
            self._texts[-1].append(text)

    def _spoil(self, kept: Kept, fault: str) -> None:
        """Hold nothing more of an element that is not read."""
        kept.fault = kept.fault or fault
        kept.element.children = []
        self._path, self._texts = [], []

    def _end(self, tag: str) -> None:
        kept, deep = self._kept, self._deep
        self._deep -= 1
        at = self._parser.CurrentByteIndex
        # That of an empty element is its end, of another one that of the closing tag.
        end = at if self._bare and self._body[at - 2 : at] == b"/>" else self._closing(at)
        self._bare = False
        if kept is None:
            self._listener.closed(tag.rpartition(":")[2], self._heard.strip(), end)
            self._heard = ""
            return
        if self._path:
            self._path.pop().text = "".join(self._texts.pop())
        if deep == self._kept_deep:
            kept.end, self._kept = end, None
            self._listener.kept(kept)

    def _closing(self, at: int) -> int:
        return self._body.find(b">", at) + 1


def _doctype(*_: Any) -> None:
    raise Unsafe("the XML has a document type; leave out <!DOCTYPE …>, entities are not read")
