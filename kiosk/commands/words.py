"""`pism words`: a passphrase of random words, as the box proposes it."""

import click

from kiosk.commands.options import example, json_option, show, show_json


@click.command("words", epilog=example("pism words"))
@json_option
def words_command(*, as_json: bool) -> None:
    """Propose eight random words for a new passphrase.

    They make 88 bits, and are kept nowhere: write them on paper. The box proposes such words itself.
    """
    from core.crypto.passphrase import propose_words

    words = propose_words()
    if as_json:
        show_json({"words": words})
    else:
        show(" ".join(words))
