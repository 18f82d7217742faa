"""The report: one page that shows a person what an archive holds, and how it looks in light, dark and print.

1. Self-contained: no script, no link, no font, no picture from elsewhere; one <svg> from core.export.chart.
2. Everything that comes from names and files is escaped; signers are summed up, one line a target.
3. It holds no secret: everything on it stands in the receipt too. It is not sealed itself: the receipt names
   its hash.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from html import escape
from typing import TYPE_CHECKING

from core.crypto.recipients import fingerprint_words
from core.export.archives import Written
from core.export.chart import Row, draw_chart, find_end, find_stretches, make_row
from core.policy.policy import Policy

if TYPE_CHECKING:
    from core.certificate import Certificate


MAX_NAMED = 12  # changes that are named one by one
_KIB = 1024
_CSP = "default-src 'none'; style-src 'unsafe-inline'"
_LEGEND = (
    '<p class="legend"><span class="key full"></span>every lane covered '
    '<span class="key part"></span>some lanes '
    '<span class="key empty"></span>none yet <span class="key visit"></span>next visit by</p>'
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
        until: Until when every lane is covered without a hole.
    """

    row: Row
    signers: int
    keys: int
    own_key: bool
    issued: int
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
                until=find_end(row, find_stretches(row, now), now),
            )
        )
    return tuple(summaries)


def make_report(written: Written, policy: Policy) -> bytes:
    """Return the page, UTF-8.

    Args:
        written: The archive.
        policy: The approved policy, for lanes and targets.
    """
    head = written.head
    targets = summarize_targets(written, policy)
    title = f"{head.authority.name}: {head.kind} {head.name} {head.sequence:06}"
    body = [
        *_header(written),
        *_section(
            "Coverage", [*_chart("Coverage by target", [target.row for target in targets], written), _LEGEND]
        ),
        *_section("What it holds", _target_table(targets, head.created)),
        *_section("What changed", _changes(written)),
        *_section("How to open it", _opening(written)),
        *_section("Roots", _roots(written)),
        *_section("Fingerprints", _hashes(written)),
        *_section("Encrypted to", _recipients(written)),
        *_footer(written),
    ]
    page = [
        "<!DOCTYPE html>",
        '<html lang="en"><head><meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        '<meta name="color-scheme" content="light dark">',
        f'<meta http-equiv="Content-Security-Policy" content="{_CSP}">',
        f"<title>{escape(title)}</title>",
        f"<style>{STYLE}</style></head>",
        "<body><main>",
        *body,
        "</main></body></html>",
    ]
    return ("\n".join(page) + "\n").encode()


def _header(written: Written) -> Iterator[str]:
    head, contents = written.head, written.contents
    days = (head.next_visit_by - head.created).days
    what = "Signers for a server" if head.kind == "egress" else "Everything, root keys included"
    yield "<header>"
    yield f'<p class="who">{escape(head.authority.name)}</p>'
    yield f"<h1>{escape(head.name)} <small>{head.sequence:06}</small></h1>"
    yield f'<p class="what">{what}. {head.kind.capitalize()} of {_minute(head.created)}.</p>'
    yield '<dl class="facts">'
    yield from _fact("signers", str(len(contents.signers)), f"{len(contents.key_ids)} private keys inside")
    yield from _fact("roots", str(len(contents.roots)), f"{len(contents.seals)} seal it")
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


def _table(columns: Iterable[str], rows: Iterable[Iterable[str]]) -> Iterator[str]:
    """Yield a table; cells are HTML already, the first of a row is its heading."""
    heads = "".join(f'<th scope="col">{escape(column)}</th>' for column in columns)
    yield f'<div class="wide"><table><thead><tr>{heads}</tr></thead><tbody>'
    for first, *others in rows:
        yield f'<tr><th scope="row">{first}</th>' + "".join(f"<td>{cell}</td>" for cell in others) + "</tr>"
    yield "</tbody></table></div>"


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
        yield "<p>The first time it shows the words of a root: compare them with those on the box.</p>"
    else:
        yield "<p>Keep it away from the box. Prove now and then, on a PC without a network, that it "
        yield "can be restored:</p>"
        yield f"<pre><code>pism drill {file} --identity KEYFILE</code></pre>"
    yield "<p>Without PiSM, <code>age</code>, <code>tar</code> and <code>openssl</code> are enough: "
    yield "docs/recovery.md.</p>"


def _chart(title: str, rows: Sequence[Row], written: Written) -> Iterator[str]:
    chart = draw_chart(title, rows, written.head.created, written.head.next_visit_by)
    yield f'<div class="chart">{chart}</div>'


def _roots(written: Written) -> Iterator[str]:
    now, roots = written.head.created, written.contents.roots
    live = [root for root in roots if root.revoked_at is None]
    yield from _chart("Roots that sign", [make_row("a root that signs", 1, live)], written)
    yield from _table(
        ("root", "status", "signs", "valid until", "SHA-256 and words"),
        (
            (
                escape(root.period),
                f'<span class="status {root.status(now)}">{root.status(now)}</span>',
                f"{root.issue_from:%Y-%m-%d}<br>to {root.issue_until:%Y-%m-%d}",
                f"{root.not_after:%Y-%m-%d}",
                _digest(root.sha256),
            )
            for root in roots
        ),
    )


def _hashes(written: Written) -> Iterator[str]:
    head = written.head
    yield '<dl class="hashes">'
    for name, digest in (
        ("archive", written.archive_sha256),
        ("manifest", written.manifest_sha256),
        ("manifest before", head.before),
        ("policy", head.policy_sha256),
        ("journal head", head.journal_head),
    ):
        yield f"<dt>{name}</dt><dd>{_digest(digest) if digest else 'none: this is the first'}</dd>"
    yield f"<dt>incarnation</dt><dd><code>{head.incarnation}</code></dd>"
    if head.restored_from is not None:
        yield f"<dt>restored from</dt><dd><code>{head.restored_from}</code></dd>"
    yield f"<dt>file</dt><dd><code>{escape(written.archive_name)}</code>, {written.size_bytes} bytes</dd>"
    yield "</dl>"


def _recipients(written: Written) -> Iterator[str]:
    yield from _table(
        ("kind", "fingerprint and words"),
        (
            (escape(item.kind), f"<code>{escape(item.fingerprint)}</code>{_words(item.words)}")
            for item in written.recipients
        ),
    )


def _footer(written: Written) -> Iterator[str]:
    authority = written.head.authority
    yield f"<footer><p>{escape(authority.name)}, {escape(authority.domain)}, <code>{authority.id}</code>. "
    yield "Made by PiSM. This page is for people; the receipt of the same name, which ends in .json, is "
    yield "sealed and holds the hash of this page.</p></footer>"


def _digest(digest: str) -> str:
    groups = " ".join(digest[start : start + 8] for start in range(0, len(digest), 8))
    return f'<code class="digest">{groups}</code>{_words(fingerprint_words(bytes.fromhex(digest)))}'


def _words(words: Iterable[str]) -> str:
    return f'<span class="words">{escape(" ".join(words))}</span>'


def _minute(instant: datetime) -> str:
    return f"{instant:%Y-%m-%d %H:%M} UTC"


def _size(size_bytes: int) -> str:
    kib = size_bytes / _KIB
    return f"{kib:.0f} KiB" if kib < _KIB else f"{kib / _KIB:.1f} MiB"


STYLE = """
:root { color-scheme: light dark; --paper: #fbfaf7; --card: #ffffff; --ink: #1c2126; --soft: #5b6670;
  --line: #e0ddd4; --full: #1f6f5c; --on-full: #ffffff; --part: #96650b;
  --empty: #efece4; --visit: #b3402a; --code: #f3f1ea; }
@media (prefers-color-scheme: dark) { :root { --paper: #14181b; --card: #1b2125; --ink: #e8eaeb;
  --soft: #9aa7b0; --line: #2e373d; --full: #3fa98c; --on-full: #06231b; --part: #d9a441;
  --empty: #252d32; --visit: #ff8a70; --code: #222a2f; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink);
  font: 16px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "DejaVu Sans", sans-serif; }
main { max-width: 1040px; margin: 0 auto; padding: 40px 24px 56px; }
header { border-top: 6px solid var(--full); padding-top: 20px; }
.who { margin: 0; color: var(--soft); letter-spacing: .02em; }
h1 { margin: 2px 0 0; font-size: 2.3rem; line-height: 1.15; letter-spacing: -.02em;
  overflow-wrap: anywhere; }
h1 small { color: var(--soft); font-weight: 400; font-size: 1.4rem; letter-spacing: .04em;
  margin-left: .3em;
  font-variant-numeric: tabular-nums; }
.what { margin: 6px 0 22px; color: var(--soft); }
.facts { display: grid; grid-template-columns: repeat(auto-fit, minmax(170px, 1fr)); gap: 12px; margin: 0; }
.facts div { background: var(--card); border: 1px solid var(--line); border-radius: 10px;
  padding: 12px 16px; }
.facts dt { color: var(--soft); font-size: .82rem; }
.facts dd { margin: 0; font-size: 1.55rem; font-weight: 650; line-height: 1.25; white-space: nowrap;
  font-variant-numeric: tabular-nums; }
.facts small { display: block; font-size: .82rem; font-weight: 400; color: var(--soft); }
.facts .visit { border-color: var(--visit); }
.facts .visit dd { color: var(--visit); }
section { margin-top: 36px; }
h2 { font-size: 1.08rem; margin: 0 0 12px; padding-bottom: 6px; border-bottom: 1px solid var(--line); }
.chart { overflow-x: auto; }
.chart + .wide { margin-top: 14px; }
svg { display: block; width: 100%; min-width: 640px; height: auto; font: 13px system-ui, -apple-system,
  "Segoe UI", Roboto, "DejaVu Sans", sans-serif; }
svg .grid { stroke: var(--line); }
svg .tick { fill: var(--soft); font-size: 12px; }
svg .name { fill: var(--ink); font-weight: 600; }
svg .load { fill: var(--soft); font-weight: 400; }
svg .empty { fill: var(--empty); }
svg .full { fill: var(--full); }
svg .part { fill: var(--part); }
svg .period { fill: var(--on-full); font-size: 12px; font-weight: 600; }
svg .visit { stroke: var(--visit); stroke-width: 2; stroke-dasharray: 5 4; }
svg .visit-text { fill: var(--visit); font-weight: 600; font-size: 12px; }
.legend { margin: 8px 0 0; color: var(--soft); font-size: .85rem; }
.key { display: inline-block; width: 14px; height: 10px; border-radius: 3px; margin: 0 6px 0 14px; }
.key:first-child { margin-left: 0; }
.key.full { background: var(--full); } .key.part { background: var(--part); }
.key.empty { background: var(--empty); border: 1px solid var(--line); }
.key.visit { height: 0; border-top: 2px dashed var(--visit); border-radius: 0; vertical-align: middle; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
th, td { text-align: left; vertical-align: top; padding: 8px 18px 8px 0;
  border-bottom: 1px solid var(--line); }
thead th { color: var(--soft); font-weight: 500; font-size: .85rem; white-space: nowrap; }
tbody th { font-weight: 600; white-space: nowrap; }
td { min-width: 3.2em; white-space: nowrap; }
td code, .words { white-space: normal; }
code, pre { font-family: ui-monospace, "SF Mono", Menlo, Consolas, "DejaVu Sans Mono", monospace; }
code { font-size: .86em; overflow-wrap: anywhere; }
pre { background: var(--code); border: 1px solid var(--line); border-radius: 8px; padding: 12px 16px;
  margin: 10px 0; overflow-x: auto; }
pre code { white-space: pre-wrap; }
.digest { letter-spacing: .01em; }
.words { display: block; color: var(--soft); font-size: .92em; }
.status { border: 1px solid currentColor; border-radius: 99px; padding: 1px 10px; font-size: .82rem;
  color: var(--soft); }
.status.active { color: var(--full); } .status.revoked, .status.expired, .bad { color: var(--visit); }
.hashes { display: grid; grid-template-columns: max-content 1fr; gap: 10px 24px; margin: 0; }
.hashes dt { color: var(--soft); } .hashes dd { margin: 0; }
.named { font-size: .9em; color: var(--soft); }
footer { margin-top: 40px; padding-top: 14px; border-top: 1px solid var(--line); color: var(--soft);
  font-size: .85rem; }
@media (max-width: 620px) { main { padding: 24px 16px; } .hashes { grid-template-columns: 1fr; gap: 2px; }
  .hashes dd { margin-bottom: 10px; } h1 { font-size: 1.8rem; } }
@media print { @page { size: A4; margin: 14mm; }
  :root { --paper: #fff; --card: #fff; --ink: #000; --soft: #444; --line: #bbb; --full: #1f6f5c;
  --on-full: #fff;
    --part: #96650b; --empty: #eee; --visit: #a02a14; --code: #fff; }
  body { font-size: 10pt; } main { max-width: none; padding: 0; }
  .facts { grid-template-columns: repeat(4, 1fr); } .facts dd { font-size: 1.25rem; }
  .facts div, tr, svg, pre, dd { break-inside: avoid; } h2, .chart { break-after: avoid; }
  section { margin-top: 18px; } th, td {
  padding: 4px 12px 4px 0; }
  svg { min-width: 0; } svg, .key { print-color-adjust: exact; -webkit-print-color-adjust: exact; } }
"""
