"""The report: one page that shows a person what an archive holds, on a screen, a telephone and on paper.

1. Self-contained: no script, no link, no font, no picture from elsewhere; charts from core.export.chart, its
   looks in light, dark and print from report.css.
2. Everything that comes from names and files is escaped; signers are summed up, one line a target.
3. It holds no secret: everything on it stands in the receipt too. It is not sealed itself: the receipt names
   its hash.
4. Printed, it is the logbook's sheet: its name and number on each page, lines for two signatures and the
   number of the seal.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from html import escape
from importlib import resources
from typing import TYPE_CHECKING

from msgspec import UnsetType

from core.api.results import Runs
from core.archive.box_key import box_digest
from core.crypto.recipients import fingerprint_words
from core.export.archives import Written
from core.export.chart import Row, draw_chart, find_end, find_stretches, make_row
from core.policy.periods import Quantum, parse_quantum
from core.policy.policy import Policy

if TYPE_CHECKING:
    from core.certificate import Certificate


MAX_NAMED = 12  # changes that are named one by one
_KIB = 1024
_CSP = "default-src 'none'; style-src 'unsafe-inline'"
_SIGNATURES = (
    '<section class="sign"><h2>For the logbook</h2><dl>'
    "<dt>operator</dt><dd></dd><dt>witness</dt><dd></dd>"
    "<dt>date</dt><dd></dd><dt>number of the new seal</dt><dd></dd></dl></section>"
)
_LEGEND = (
    '<p class="legend"><span><span class="key full"></span>every lane covered</span> '
    '<span><span class="key part"></span>some lanes</span> '
    '<span><span class="key empty"></span>none yet</span> '
    '<span><span class="key visit"></span>next visit by</span></p>'
)


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetSummary:
    """What an archive holds of one target, in numbers.

    Args:
        row: Its live periods, as the chart draws them.
        signers: Certificates in the archive.
        keys: Private keys in the archive.
        own_key: Whether its keys are made elsewhere.
        issued: How many are new since the archive before.
        quantum: How long its periods are.
        until: Until when every lane is covered without a hole.
    """

    row: Row
    signers: int
    keys: int
    own_key: bool
    issued: int
    quantum: Quantum
    until: datetime


def summarize_targets(written: Written, policy: Policy) -> tuple[TargetSummary, ...]:
    """Return the summary of every target that the archive is for, in the policy's order."""
    contents, now = written.contents, written.head.created
    by_target: dict[tuple[str | None, str | None], list[Certificate]] = {}
    for signer in contents.signers:
        by_target.setdefault((signer.class_name, signer.target), []).append(signer)
    issued = frozenset(item.id for item in written.changes.issued)
    every = tuple((class_name, name) for class_name, name, _ in policy.targets())
    wanted = policy.egress_targets(contents.name) if contents.kind == "egress" else every
    settings = {(class_name, name): target for class_name, name, target in policy.targets()}
    summaries = []
    for place in wanted:
        signers = by_target.get(place, [])
        live = (item for item in signers if contents.status(item, now) != "revoked")
        row = make_row("/".join(place), settings[place].load, live)
        summaries.append(
            TargetSummary(
                row=row,
                signers=len(signers),
                keys=sum(item.id in contents.key_ids for item in signers),
                own_key=settings[place].own_key,
                issued=sum(item.id in issued for item in signers),
                quantum=parse_quantum(settings[place].quantum),
                until=find_end(row, find_stretches(row, now), now),
            )
        )
    return tuple(summaries)


def make_report(written: Written, policy: Policy, runs: Runs | None = None) -> bytes:
    """Return the page, UTF-8.

    Args:
        written: The archive.
        policy: The approved policy, for lanes and targets.
        runs: What runs on the box; None: no kiosk has told.
    """
    head = written.head
    targets = summarize_targets(written, policy)
    title = f"{head.authority.name}: {head.kind} {head.name} {head.sequence:06}"
    body = [
        *_header(written),
        *_section(
            "Coverage", [*_chart("Coverage by target", [target.row for target in targets], written), _LEGEND]
        ),
        *_section("What it holds", [*_target_table(targets, head.created), *_explain_periods(targets)]),
        '<div class="beside">',
        *_section("What changed", _changes(written)),
        *_section("How to open it", _opening(written)),
        *_section("Encrypted to", _recipients(written)),
        "</div>",
        *_section("Roots", _roots(written)),
        *_section("Fingerprints", _hashes(written)),
        _SIGNATURES,
        *_footer(written, runs),
    ]
    page = [
        "<!DOCTYPE html>",
        '<html lang="en"><head><meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        '<meta name="color-scheme" content="light dark">',
        f'<meta http-equiv="Content-Security-Policy" content="{_CSP}">',
        f"<title>{escape(title)}</title>",
        f"<style>{_style()}@page {{ @top-left {{ content: {_css_string(title)} }} }}</style></head>",
        "<body><main>",
        *body,
        "</main></body></html>",
    ]
    return ("\n".join(page) + "\n").encode()


@cache
def _style() -> str:
    return resources.files("core.export").joinpath("report.css").read_text(encoding="utf-8")


def _css_string(text: str) -> str:
    """Return a text as a CSS string, all but letters and digits escaped (CSS Syntax 3, 4.3.7)."""
    escaped = (each if each.isascii() and each.isalnum() else f"\\{ord(each):06x}" for each in text)
    return '"' + "".join(escaped) + '"'


def _header(written: Written) -> Iterator[str]:
    head, contents = written.head, written.contents
    days = (head.next_visit_by - head.created).days
    what = "Signers for a server" if head.kind == "egress" else "Everything, root keys included"
    yield "<header><div>"
    yield f'<p class="who">{escape(head.authority.name)}</p>'
    yield f"<h1>{escape(head.name)} <small>{head.sequence:06}</small></h1>"
    yield f'<p class="what">{what}. {head.kind.capitalize()} of {_minute(head.created)}.</p></div>'
    yield '<dl class="facts">'
    yield from _fact("signers", str(len(contents.signers)), f"{len(contents.key_ids)} private keys inside")
    yield from _fact("roots", str(len(contents.roots)), f"{len(contents.seals)} of them vouch for it")
    yield from _fact("archive", _size(written.size_bytes), "encrypted")
    yield from _fact(
        "next visit by", f"{head.next_visit_by:%Y-%m-%d}", f"in {days} day{'s' * (days != 1)}", "visit"
    )
    yield "</dl></header>"


def _fact(name: str, value: str, note: str, kind: str = "") -> Iterator[str]:
    yield f'<div class="{kind}"><dt>{escape(name)}</dt>'
    yield f"<dd>{escape(value)}<small>{escape(note)}</small></dd></div>"


def _section(title: str, lines: Iterable[str]) -> Iterator[str]:
    yield f"<section><h2>{escape(title)}</h2>"
    yield from lines
    yield "</section>"


def _table(columns: Sequence[str], rows: Iterable[Iterable[str]]) -> Iterator[str]:
    """Yield a table; cells are HTML already, the first of a row is its heading."""
    names = [escape(column) for column in columns]
    heads = "".join(f'<th scope="col">{name}</th>' for name in names)
    yield f"<table><thead><tr>{heads}</tr></thead><tbody>"
    for first, *others in rows:
        cells = (f'<td data-name="{name}">{cell}</td>' for name, cell in zip(names[1:], others, strict=True))
        yield f'<tr><th scope="row">{first}</th>' + "".join(cells) + "</tr>"
    yield "</tbody></table>"


def _target_table(targets: Iterable[TargetSummary], now: datetime) -> Iterator[str]:
    yield from _table(
        ("target", "lanes", "signers", "keys", "new", "periods", "covered until"),
        (
            (
                escape(target.row.name),
                str(target.row.load),
                str(target.signers),
                "made there" if target.own_key else str(target.keys),
                str(target.issued),
                escape(_periods(target.row)),
                f"{target.until:%Y-%m-%d}" if target.until > now else '<strong class="bad">not now</strong>',
            )
            for target in targets
        ),
    )


def _explain_periods(targets: Iterable[TargetSummary]) -> Iterator[str]:
    """Say once for each length of periods what their names mean, by one that stands in the table."""
    explained: dict[Quantum, str] = {}
    for target in targets:
        if target.row.periods:
            explained.setdefault(target.quantum, target.quantum.explain(min(target.row.periods)[0].date()))
    if words := ", ".join(filter(None, explained.values())):
        yield f'<p class="legend">Periods: {escape(words)}.</p>'


def _periods(row: Row) -> str:
    names = list(dict.fromkeys(name for _, _, name in sorted(row.periods)))
    return names[0] if len(names) == 1 else f"{names[0]} to {names[-1]}" if names else "none"


def _changes(written: Written) -> Iterator[str]:
    changes = written.changes
    if changes.since is None:
        yield f"<p>This is the first archive {escape(written.head.name)}: all of it is new.</p>"
        return
    yield f"<p>Since the archive of {_minute(changes.since)}:</p><ul>"
    for items, words in (
        (changes.issued, "issued"),
        (changes.revoked, "revoked"),
        (changes.ended, "came to the end of their issuing period"),
    ):
        roots = [item for item in items if item.kind == "root"]
        counts = (_count(len(items) - len(roots), "signer"), _count(len(roots), "root"))
        yield f"<li>{' and '.join(count for count in counts if count) or 'none'} {words}"
        for item in items if len(items) <= MAX_NAMED else roots:
            name = "root" if item.kind == "root" else f"{item.path} lane {item.lane}"
            label = escape(f"{name} {item.period}")
            yield f'<br><span class="named">{label} <code>{item.id}</code></span>'
        yield "</li>"
    yield "</ul>"


def _count(number: int, noun: str) -> str:
    return f"<strong>{number}</strong> {noun}{'s' * (number != 1)}" if number else ""


def _opening(written: Written) -> Iterator[str]:
    file = escape(written.archive_name)
    if written.head.kind == "egress":
        yield "<p>On the server, with the private half of a recipient below:</p>"
        yield f"<pre><code>pism open {file} --identity KEYFILE --out FOLDER</code></pre>"
        yield "<p>The first time it shows the words of the box: compare them with those on its panel (menu, "
        yield "4), not with this page, which came with the archive.</p>"
    else:
        yield "<p>Keep it away from the box. Prove now and then, on a PC without a network, that it "
        yield "can be restored:</p>"
        yield f"<pre><code>pism drill {file} --identity KEYFILE</code></pre>"
    yield "<p>Without PiSM, <code>age</code>, <code>tar</code> and <code>openssl</code> are enough: "
    yield "recovery.md, beside every backup, says how.</p>"


def _chart(title: str, rows: Sequence[Row], written: Written) -> Iterator[str]:
    chart = draw_chart(title, rows, written.head.created, written.head.next_visit_by)
    yield f'<div class="chart">{chart}</div>'


def _roots(written: Written) -> Iterator[str]:
    now, roots = written.head.created, written.contents.roots
    live = [root for root in roots if root.revoked_at is None]
    yield from _chart("Roots that sign", [make_row("a root that signs", 1, live)], written)
    yield '<div class="cards roots">'
    for root in roots:
        status = f'<span class="status {root.status(now)}">{root.status(now)}</span>'
        dates = f"signs {root.issue_from:%Y-%m-%d} to {root.issue_until:%Y-%m-%d},"
        note = f"<p><span>{dates}</span> <span>valid until {root.not_after:%Y-%m-%d}</span></p>"
        yield from _card(f"{escape(root.period)} {status}", note + _digest(root.sha256))
    yield "</div>"


def _card(name: str, value: str) -> Iterator[str]:
    """Yield something to be compared; both are HTML already."""
    yield f'<div class="card"><h3>{name}</h3>{value}</div>'


def _hashes(written: Written) -> Iterator[str]:
    head = written.head
    box = None if isinstance(head.box_key, UnsetType) else box_digest(head.box_key)
    yield '<div class="cards">'
    for name, digest in (
        ("box", box),
        ("archive", written.archive_sha256),
        ("manifest", written.manifest_sha256),
        ("manifest before", head.before),
        ("policy", head.policy_sha256),
        ("journal head", head.journal_head),
    ):
        yield from _card(name, _digest(digest) if digest else "none: this is the first")
    restored = f"<br>restored from <code>{head.restored_from}</code>" if head.restored_from else ""
    yield from _card("incarnation", f"<code>{head.incarnation}</code>{restored}")
    yield "</div>"


def _recipients(written: Written) -> Iterator[str]:
    yield '<div class="cards recipients">'
    for item in written.recipients:
        yield from _card(escape(item.kind), f"<code>{escape(item.fingerprint)}</code>{_words(item.words)}")
    yield "</div>"


def _footer(written: Written, runs: Runs | None) -> Iterator[str]:
    authority = written.head.authority
    yield f"<footer><p><code>{escape(written.archive_name)}</code>, {written.size_bytes} bytes. "
    yield f"{escape(authority.name)}, {escape(authority.domain)}, <code>{authority.id}</code>. "
    yield "Made by PiSM. This page is for people; the receipt of the same name, which ends in .json, is "
    yield "sealed and holds the hash of this page."
    if runs is not None:
        yield f" {escape(_tell_box(runs))}"
    yield "</p></footer>"


def _tell_box(runs: Runs) -> str:
    """Return what ran on which board; the words are those of the box's own page."""
    words = " ".join(fingerprint_words(bytes.fromhex(runs.files))) if runs.files else "not readable"
    board = f"{runs.board or 'a board without a name'}, no {runs.serial or '?'}"
    return (
        f"On the box: PiSM {runs.version}, installed {runs.installed or 'then'}, {board}; its files: {words}."
    )


def _digest(digest: str) -> str:
    groups = [digest[start : start + 8] for start in range(0, len(digest), 8)]
    halves = (" ".join(groups[:4]), " ".join(groups[4:]))
    lines = " ".join(f"<span>{half}</span>" for half in halves)
    return f"<code>{lines}</code>{_words(fingerprint_words(bytes.fromhex(digest)))}"


def _words(words: Iterable[str]) -> str:
    return f'<span class="words">{escape(" ".join(words))}</span>'


def _minute(instant: datetime) -> str:
    return f"{instant:%Y-%m-%d %H:%M} UTC"


def _size(size_bytes: int) -> str:
    kib = size_bytes / _KIB
    return f"{kib:.0f} KiB" if kib < _KIB else f"{kib / _KIB:.1f} MiB"
