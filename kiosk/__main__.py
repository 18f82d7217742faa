"""The entry point of `pism` and of `python -m kiosk`.

The first picture comes before the command line is loaded: `pism kiosk` is what a box starts with.
"""

import sys


def main() -> None:
    """Show the first picture where there is a panel, then run the command."""
    first_light = None
    if sys.argv[1:2] == ["kiosk"]:
        from kiosk.daemon.first_light import light

        first_light = light(sys.argv[1:])
    from kiosk.commands.cli import main as run_command

    run_command(obj=first_light)


if __name__ == "__main__":
    main()
