"""The report as people meet it, judged by a browser: on a screen, on a telephone, on paper."""

import re
import shutil
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pyrage
import pytest

from core.api.results import Runs
from core.export.archives import Written
from core.export.report import make_report
from core.policy.policy import Policy
from core.policy.proposal import propose_policy
from tests.authority_store import export, make_store
from tests.browser import Browser, count_sheets, start_browser
from tests.builders import utc

NOW = utc("2026-11-27T10:00")
SHIPPED = Path(__file__).parents[3] / "config.yaml"
RUNS = Runs(
    version="0.1.0",
    files="5e" * 32,
    board="Raspberry Pi 4 Model B Rev 1.4",
    serial="10000000abcdef12",
    installed="2026-11-20 09:12:40",
)
LONG = "a-name-of-twenty-four-ab"
OVERRUNS = """[...document.querySelectorAll('main *')].filter(each => {
    const box = each.getBoundingClientRect();
    return box.width && (box.right > innerWidth + 1 || box.left < -1);
}).map(each => each.outerHTML.slice(0, 90))"""
CLIPPED = """[...document.querySelectorAll('dd, td, th, p, h1, h3, code, .words')].filter(
    each => each.scrollWidth > each.clientWidth + 1 && getComputedStyle(each).display != 'inline'
).map(each => each.outerHTML.slice(0, 90))"""


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with start_browser(tmp_path_factory.mktemp("browser")) as browser:
        yield browser


@pytest.fixture(scope="module")
def shipped(tmp_path_factory: pytest.TempPathFactory) -> tuple[Policy, dict[str, Written]]:
    """Return the policy that is shipped, and what its first two archives say."""
    folder = tmp_path_factory.mktemp("shipped")
    shutil.copy(SHIPPED, folder)
    (folder / "keys").mkdir()
    for name in ("main-kudo.pub", "backup-a.pub", "backup-b.pub"):
        (folder / "keys" / name).write_text(f"{pyrage.x25519.Identity.generate().to_public()}\n")
    policy, _ = propose_policy(folder / "config.yaml")
    with make_store(folder / "state", policy, NOW) as store:
        egress, _ = export(store, policy, "egress", "main-kudo", NOW)
        backup, _ = export(store, policy, "backup", "main-backup", NOW)
    return policy, {"egress": egress, "backup": backup}


def save(folder: Path, policy: Policy, written: Written) -> Path:
    path = folder / "report.html"
    path.write_bytes(make_report(written, policy, RUNS))
    return path


@pytest.mark.parametrize("kind", ["egress", "backup"])
def test_the_report_of_six_roots_is_one_sheet_of_a4(
    browser: Browser, shipped: tuple[Policy, dict[str, Written]], kind: str, tmp_path: Path
) -> None:
    policy, written = shipped[0], shipped[1][kind]
    assert len(written.contents.roots) == 6
    browser.open(save(tmp_path, policy, written), 1100)
    pdf = browser.print_pdf()
    assert count_sheets(pdf) == 1
    assert re.search(rb"/MediaBox \[0 0 59[45](\.\d+)? 84[12](\.\d+)?\]", pdf)  # A4 in points


def test_each_sheet_has_its_name_its_number_and_the_first_lines_to_sign(
    browser: Browser, shipped: tuple[Policy, dict[str, Written]], tmp_path: Path
) -> None:
    """Twenty roots take two sheets; what stands in a page's margin is asked of the browser's style."""
    policy, written = shipped[0], shipped[1]["backup"]
    contents = replace(written.contents, roots=written.contents.roots * 4)
    page = save(tmp_path, policy, replace(written, contents=contents))
    browser.open(page, 1100)
    assert count_sheets(browser.print_pdf()) == 2
    margins = browser.evaluate("""[...document.styleSheets[0].cssRules].flatMap(function find(rule) {
        return [rule.cssText, ...[...rule.cssRules ?? []].flatMap(find)] }).join(' ')""")
    assert 'content: "Example Virtual Worlds: backup main-backup 000001"' in margins
    assert 'counter(page) " / " counter(pages)' in margins
    browser.ask("Emulation.setEmulatedMedia", media="print")
    lines = browser.evaluate("document.querySelector('.sign').innerText.split(/\\s*\\n\\s*/)")
    browser.ask("Emulation.setEmulatedMedia", media="screen")
    assert [line for line in lines if line] == [
        "For the logbook",
        "operator",
        "witness",
        "date",
        "number of the new seal",
    ]
    assert browser.evaluate("document.querySelector('.sign').offsetHeight") == 0  # on a screen nobody signs


@pytest.mark.parametrize("width_px", [320, 390, 600, 760, 1100])
def test_nothing_overruns_at_any_width(
    browser: Browser, shipped: tuple[Policy, dict[str, Written]], width_px: int, tmp_path: Path
) -> None:
    policy, written = shipped[0], shipped[1]["backup"]
    signers = tuple(
        replace(item, class_name=LONG, target=LONG) if item.target == "redis" else item
        for item in written.contents.signers
    )
    changes = replace(written.changes, since=NOW - timedelta(days=90), issued=signers[-4:])
    contents = replace(written.contents, signers=signers)
    page = save(tmp_path, policy, replace(written, contents=contents, changes=changes))
    browser.open(page, width_px)
    assert browser.evaluate("document.documentElement.scrollWidth") <= width_px
    assert browser.evaluate(OVERRUNS) == []
    assert browser.evaluate(CLIPPED) == []


@pytest.mark.parametrize("width_px", [390, 1100])
def test_the_visit_line_runs_through_no_label_and_no_two_texts_overlap(
    browser: Browser, shipped: tuple[Policy, dict[str, Written]], width_px: int, tmp_path: Path
) -> None:
    policy, written = shipped[0], shipped[1]["egress"]
    browser.open(save(tmp_path, policy, written), width_px)
    crossed = browser.evaluate("""[...document.querySelectorAll('svg')].flatMap(svg => {
        const lines = [...svg.querySelectorAll('.visit')].map(each => each.getBoundingClientRect());
        const texts = [...svg.querySelectorAll('text')].filter(each => each.getBoundingClientRect().width)
            .map(each => [each.textContent, each.getBoundingClientRect()]);
        const meet = (a, b) => a.left < b.right && b.left < a.right
            && a.top < b.bottom - 3 && b.top < a.bottom - 3;
        return [
            ...texts.filter(([, box]) => lines.some(line => meet(box, line))).map(([text]) => 'line ' + text),
            ...texts.flatMap(([one, a], i) => texts.slice(i + 1).filter(([, b]) => meet(a, b))
                .map(([two]) => one + ' on ' + two)),
        ];
    })""")
    assert crossed == []


def test_a_page_in_the_dark_is_as_readable(
    browser: Browser, shipped: tuple[Policy, dict[str, Written]], tmp_path: Path
) -> None:
    """Contrast of text and paper is at least 4.5 (WCAG 2.2, 1.4.3), by light and in the dark."""
    policy, written = shipped[0], shipped[1]["egress"]
    for dark in (False, True):
        browser.open(save(tmp_path, policy, written), 1100, dark=dark)
        worst = browser.evaluate("""(() => {
            const light = rgb => rgb.match(/\\d+/g).slice(0, 3).map(each => each / 255)
                .map(c => c <= .04045 ? c / 12.92 : ((c + .055) / 1.055) ** 2.4)
                .reduce((sum, c, i) => sum + c * [.2126, .7152, .0722][i], 0);
            const behind = each => { for (; each; each = each.parentElement) {
                const colour = getComputedStyle(each).backgroundColor;
                if (!colour.endsWith(', 0)')) return colour; } return 'rgb(255, 255, 255)'; };
            return Math.min(...[...document.querySelectorAll('main *')]
                .filter(each => !each.closest('svg') && each.offsetHeight && each.innerText)
                .map(each => [light(getComputedStyle(each).color), light(behind(each))].sort((a, b) => b - a))
                .map(([a, b]) => (a + .05) / (b + .05)));
        })()""")
        assert worst >= 4.5
