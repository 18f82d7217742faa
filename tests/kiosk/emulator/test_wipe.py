"""Too many wrong passphrases on a box that is told to wipe."""

from pathlib import Path

import pytest

from core.api.requests import ChangePassphrase
from core.api.wire import Failed
from core.crypto.process import read_boot
from core.store.attempts import Attempts, write_attempts
from core.store.store import is_provisioned
from tests.kiosk.live import CONFIG, OTHER_PASSPHRASE, Bench, lay_authority


def fail_once_more(folder: Path) -> Failed:
    """Type a wrong passphrase after four others."""
    write_attempts(folder / "state", Attempts(count=4, boot_id=read_boot().id))
    with Bench(folder) as bench:
        refused = bench.unlock(OTHER_PASSPHRASE)
    assert isinstance(refused, Failed)
    return refused


def test_the_fifth_wrong_passphrase_wipes_where_it_is_asked_for(tmp_path: Path) -> None:
    folder = lay_authority(tmp_path)
    (folder / "config.yaml").write_text(CONFIG.replace("dim_after_s: 60", "dim_after_s: 60, wipe_after: 5"))
    refused = fail_once_more(folder)
    assert refused.code == "E-STATE-WIPED"
    assert not is_provisioned(folder / "state")


@pytest.mark.parametrize("config", [CONFIG, "no: [config"])
def test_nothing_is_wiped_where_nobody_asks_for_it(tmp_path: Path, config: str) -> None:
    folder = lay_authority(tmp_path)
    (folder / "config.yaml").write_text(config)
    refused = fail_once_more(folder)
    assert (refused.code, refused.failed_attempts) == ("E-PASSPHRASE-WRONG", 5)
    assert is_provisioned(folder / "state")


def test_a_wrong_old_passphrase_counts_and_wipes_nothing_while_the_box_is_open(tmp_path: Path) -> None:
    folder = lay_authority(tmp_path)
    (folder / "config.yaml").write_text(CONFIG.replace("dim_after_s: 60", "dim_after_s: 60, wipe_after: 5"))
    with Bench(folder) as bench:
        bench.unlock()
        write_attempts(folder / "state", Attempts(count=4, boot_id=read_boot().id))
        change = ChangePassphrase(old=OTHER_PASSPHRASE, new=OTHER_PASSPHRASE, now=bench.now)
        refused = bench.do(change)
    assert isinstance(refused, Failed)
    assert (refused.code, refused.failed_attempts) == ("E-PASSPHRASE-WRONG", 5)
    assert is_provisioned(folder / "state")
