"""Documents of sources, read from TOML or JSON with every error in them; sources of a city."""

from collections.abc import Mapping
from typing import Any

import msgspec

from ioc.city.decode import decode_table
from ioc.city.feeds import Feeds
from ioc.city.finding import Finding, Source, Spot, near
from ioc.city.folder import Folder
from ioc.city.spec import CitySource, FeedId, Spec
from ioc.errors import Invalid
from ioc.sources.document import KINDS, Document
from ioc.sources.faults import faults


class _SourceSpec(Spec, frozen=True):
    """What a `[[source]]` of a city says beside its document."""

    id: FeedId
    feed: FeedId
    enabled: bool = True


def read_sources(folder: Folder, feeds: Feeds) -> list[CitySource]:
    """Sources of `sources.toml`."""
    content, file = folder.toml("sources.toml")
    folder.only(content, file, ["source"])
    formats = {feed.id: feed.format for feed in feeds.good}
    found: dict[str, CitySource] = {}
    for raw, at in folder.array(content, "source", file):
        own = {key: raw[key] for key in ("id", "feed", "enabled") if key in raw}
        spec = decode_table(_SourceSpec, own, at)
        rest = {key: value for key, value in raw.items() if key not in own}
        document = read_document(rest, at, formats.get(own.get("feed", ""), "auto"))
        if spec is None or document is None:
            continue
        if spec.feed not in feeds.ids:
            (at / "feed").unknown("feed", spec.feed, feeds.ids)
        if spec.id in found:
            (at / "id").report(f"a source {spec.id!r} stands here twice", "ids are unique")
        found[spec.id] = CitySource(spec.id, spec.feed, spec.enabled, document)
    return list(found.values())


def read_document(raw: Mapping[str, Any], at: Spot, format: str) -> Document | None:
    """The document for a feed of that format; None where any error was reported at `at`."""
    kind = raw.get("kind")
    if kind not in KINDS:
        hint = near(str(kind), KINDS, shown=3)
        said = "the key 'kind' is missing" if kind is None else f"{kind!r} is not a kind of source"
        (at / "kind").report(said, hint)
        return None
    document = decode_table(KINDS[kind], {k: v for k, v in raw.items() if k != "kind"}, at)
    if document is None:
        return None
    good = True
    for path, message, hint in faults(document, format):
        place = at
        for key in path:
            place /= key
        place.report(message, hint)
        good = False
    return document if good else None


def checked_document(
    raw: Mapping[str, Any], *, format: str, file: str = "document", text: str = ""
) -> Document:
    """The document for a feed of that format, or `Invalid` with every error in it by name."""
    findings: list[Finding] = []
    document = read_document(raw, Spot(findings, Source(file, text)), format)
    if document is None:
        raise Invalid("; ".join(str(finding) for finding in findings), faults=_told(findings))
    return document


def _told(findings: list[Finding]) -> list[dict[str, Any]]:
    return [msgspec.to_builtins(finding) for finding in findings]
