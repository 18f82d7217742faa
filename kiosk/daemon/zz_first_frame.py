"""The first frame of all, drawn with the widgets alone: it is on the glass before the machine is imported."""

from PIL import Image

from kiosk.screens.canvas import Canvas


def paint_start(canvas: Canvas) -> None:
    """Draw what stands on the glass until the vault has answered."""
    canvas.big("PiSM", 10).centre(3, "starting ...")


def draw_start() -> Image.Image:
    """Return the frame; kiosk.screens draws the same one for Boot."""
    canvas = Canvas()
    paint_start(canvas)
    return canvas.image
