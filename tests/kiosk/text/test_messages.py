"""Every error has words, and they fit its screen."""

import pytest

from core.errors import CaError
from hw.errors import HardwareError
from kiosk.flows.dialogs import problem_page
from kiosk.screens.drawing import draw
from kiosk.text.messages import explain, known_codes


def _tree(error: type[Exception]) -> list[type[Exception]]:
    return [error, *(found for child in error.__subclasses__() for found in _tree(child))]


ERRORS = [*_tree(CaError), *_tree(HardwareError)]
KIOSK = {"E-BUG", "E-VAULT", "E-CLOCK-DATE", "E-USAGE"}


def test_words_are_complete_over_both_trees_and_no_more() -> None:
    assert known_codes() == {error.code for error in ERRORS} | KIOSK


def test_codes_are_one_of_a_kind() -> None:
    codes = [error.code for error in ERRORS]
    assert len(codes) == len(set(codes))


@pytest.mark.parametrize("code", sorted({error.code for error in ERRORS} | KIOSK))
def test_words_fit_the_screen(code: str) -> None:
    message = explain(code, "what happened " * 20)
    assert len(message.code) <= 21
    assert 1 <= len(message.action) <= 3
    assert all(len(line) <= 21 for line in (message.happened, *message.action))
    for page in range(message.pages):
        draw(problem_page(code, "what happened " * 20, page))


@pytest.mark.parametrize("error", ERRORS)
def test_what_to_do_is_the_action_of_the_class(error: type[CaError]) -> None:
    assert explain(error.code).action == error.action


def test_unknown_code_is_shown_with_the_words_of_a_bug() -> None:
    message = explain("E-SOMETHING-NEW-AND-VERY-LONG")
    assert message.code == "E-SOMETHING-NEW-AND.."
    assert message.happened == explain("E-BUG").happened
    assert message.action == explain("E-BUG").action


def test_text_follows_on_its_own_pages() -> None:
    assert explain("E-FILE").pages == 1
    message = explain("E-FILE", "one two three four five six seven eight nine ten " * 4)
    assert message.pages == 1 + len(message.details)
    assert all(len(page) <= 4 for page in message.details)


@pytest.mark.parametrize(
    ("code", "text", "body"),
    [
        (
            "E-STICK-MISSING",
            "there is no file config.yaml on the stick; rename config.yml",
            ("The file is missing", "config.yaml", "Check what is on the", "stick"),
        ),
        (
            "E-RECIPIENT-MISSING",
            "backups.main-backup.recipients[2]: there is no file keys/backup-x.pub on the stick",
            ("A key file is missing", "keys/backup-x.pub", "Bring that file, too"),
        ),
        (
            "E-RECIPIENT-MISSING",
            "egresses.kudo.recipients[0]: there is no file /etc/pism/keys/backup-x.pub",
            ("A key file is missing", "/etc/pism/keys/backup", "-x.pub", "Bring that file, too"),
        ),
        (
            "E-RECIPIENT-MISSING",
            f"backups.b.recipients[2]: there is no file keys/{'y' * 60}.pub on the stick",
            ("A key file is missing", "keys/yyyy..yyyyyy.pub", "Bring that file, too"),
        ),
        (
            "E-RECIPIENT",
            "backups.main-backup.recipients[2]: keys/x.pub holds no public key.",
            ("A recipient is bad", "main-backup key 3", "Put its owner's", "public key there"),
        ),
        (
            "E-RECIPIENT-PRIVATE",
            "egresses.a-very-long-name-of-an-egr.recipients[11] holds a private key.",
            ("That key is private!", "a-very..an-egr key 12", "Replace the pair: it", "was carried about"),
        ),
        ("E-RECIPIENT", "The recipient SHA256:x cannot be encrypted to.", None),
        ("E-STICK-MISSING", "top-up needs a stick", None),
    ],
)
def test_the_first_page_says_which_file_or_recipient_it_is(
    code: str, text: str, body: tuple[str, ...] | None
) -> None:
    plain = explain(code)
    assert problem_page(code, text).body == (body or (plain.happened, *plain.action))
