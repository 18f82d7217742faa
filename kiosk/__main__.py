"""The entry point of `pism` and of `python -m kiosk`.

The first picture comes before the command line is loaded: `pism kiosk` is what a box starts with.

What a person is told is ours alone: it is printed in any locale, what that has no character for escaped, and
no library's warning comes between, unless Python was told to show warnings. The number of a closed standard
stream is taken, so that no file of ours is opened under it and gets what a library says.
"""

import io
import os
import sys
import warnings


def main() -> None:
    """Make output safe, show the first picture where there is a panel, then run the command."""
    while (number := os.open(os.devnull, os.O_RDWR)) <= 2:  # noqa: PLR2004  standard error
        pass
    os.close(number)
    if not sys.warnoptions:
        warnings.simplefilter("ignore")
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # pythonw and some services have none
            stream.reconfigure(errors="backslashreplace")
    first_light = None
    if sys.argv[1:2] == ["kiosk"]:
        from kiosk.daemon.first_light import light

        first_light = light(sys.argv[1:])
    from kiosk.commands.cli import main as run_command

    run_command(obj=first_light)


if __name__ == "__main__":
    main()
