"""How the report looks: light, dark and on paper. Only the fonts that the reader's system has."""

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
