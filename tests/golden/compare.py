"""Old, new and difference of every frame, side by side, on one page: build/golden.html."""

import html
import io
import sys
from base64 import b64encode
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from PIL import Image, ImageChops

from tests.golden.frames import from_text
from tests.kiosk.samples import SAMPLES

FOLDER = Path(__file__).parent
PAGE = FOLDER.parents[1] / "build" / "golden.html"
SCALE = 3
STYLE = """
body { font: 15px system-ui, sans-serif; background: #fff; color: #222; margin: 2em auto; max-width: 1260px; }
h2 { font-size: 1em; margin: 1.5em 0 .3em; } .changed h2 { color: #b00; }
div.row { display: flex; gap: 12px; } figure { margin: 0; } figcaption { color: #666; font-size: 12px; }
img { image-rendering: pixelated; border: 1px solid #999; background: #000; }
.same { display: inline-block; margin: 4px; } .same h2 { font-weight: normal; margin: 0; }
"""


def as_png(image: Image.Image) -> str:
    """Return the picture, enlarged, as a data URL."""
    large = image.resize((image.width * SCALE, image.height * SCALE), Image.Resampling.NEAREST)
    data = io.BytesIO()
    large.save(data, "PNG", optimize=True)
    return "data:image/png;base64," + b64encode(data.getvalue()).decode()


def difference(old: Image.Image, new: Image.Image) -> Image.Image:
    """Return what went in red, what came in green, what stayed in grey."""
    kept = ImageChops.logical_and(old, new).convert("L").point(lambda value: value // 3)
    gone = ImageChops.logical_and(old, ImageChops.invert(new)).convert("L")
    come = ImageChops.logical_and(new, ImageChops.invert(old)).convert("L")
    return Image.merge("RGB", (ImageChops.add(gone, kept), ImageChops.add(come, kept), kept))


def figure(caption: str, image: Image.Image) -> str:
    """Return one picture with its caption."""
    return f'<figure><img alt="{caption}" src="{as_png(image)}"><figcaption>{caption}</figcaption></figure>'


def section(name: str, old: Image.Image | None, new: Image.Image | None) -> tuple[bool, str]:
    """Return whether the frame changed, and its part of the page."""
    title = f"<h2>{html.escape(name)}</h2>"
    if old is not None and new is not None and old.tobytes() == new.tobytes():
        return False, f'<div class="same">{title}{figure("same", new)}</div>'
    dark = Image.new("1", (128, 64))
    parts = [
        figure("old" if old else "no old one", old or dark),
        figure("new" if new else "no new one", new or dark),
        figure("red went, green came", difference(old or dark, new or dark)),
    ]
    return True, f'<div class="changed">{title}<div class="row">{"".join(parts)}</div></div>'


def make_page() -> tuple[int, str]:
    """Return how many frames changed, and the page."""
    names = sorted({*SAMPLES, *(path.stem for path in FOLDER.glob("*.txt"))})
    sections = []
    for name in names:
        path, sample = FOLDER / f"{name}.txt", SAMPLES.get(name)
        old = from_text(path.read_text(encoding="utf-8")) if path.exists() else None
        new = sample.draw() if sample else None
        sections.append(section(name, old, new))
    changed = [text for is_changed, text in sections if is_changed]
    same = [text for is_changed, text in sections if not is_changed]
    summary = f"<h1>PiSM screens: {len(changed)} changed, {len(same)} as recorded</h1>"
    head = '<!doctype html><html lang="en"><meta charset="utf-8"><title>PiSM screens</title>'
    head += f"<style>{STYLE}</style>"
    return len(changed), head + summary + "".join(changed + same) + "</html>\n"


def main() -> None:
    """Write the page and say where it is."""
    changed, page = make_page()
    PAGE.parent.mkdir(exist_ok=True)
    PAGE.write_text(page, encoding="utf-8")
    print(f"{changed} changed: {PAGE}")


if __name__ == "__main__":
    main()
