"""Whatever a board's device tree has, the card has the driver for it, or it is named here why not."""

import lzma
import re
import subprocess
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path

import pytest

from systemd.image.boot import BOARDS
from systemd.image.kernel import FOR_THE_CARD, Kernel
from tests.card.machine import read_boot_file
from tests.card.release import Release

NOT_ON_A_CARD = {
    *("genet", "mdio_bcm_unimac", "hci_uart"),  # network and radio
    *("v3d", "vc4", "vchiq", "snd_soc_bcm2835_i2s", "pwm_bcm2835"),  # screens, cameras, sound
    *("leds_gpio", "nvmem_rmem", "spi_bcm2835aux"),  # lamps, the boot loader's settings, a second SPI
    *(
        "onboard_usb_dev",
        "xhci_plat_hcd",
    ),  # a hub that needs nobody, and a USB host that these boards leave off
}


@cache
def drivers_by_device(modules: Path) -> Mapping[str, frozenset[str]]:
    """Return the modules that say of a device, by its compatible string, that they drive it."""
    found: dict[str, set[str]] = {}
    for path in modules.rglob("*.ko.xz"):
        for device in re.findall(rb"alias=of:N\*T\*C([^\0*]+)\0", lzma.decompress(path.read_bytes())):
            found.setdefault(device.decode(), set()).add(path.name.partition(".")[0].replace("-", "_"))
    return {device: frozenset(names) for device, names in found.items()}


def devices_of(tree: bytes) -> Iterator[str]:
    """Yield the compatible strings of a device tree."""
    command = ["dtc", "-I", "dtb", "-O", "dts", "-q"]
    text = subprocess.run(command, input=tree, check=True, stdout=subprocess.PIPE).stdout.decode()
    for value in re.findall(r"compatible = ([^;]+);", text):
        for quoted in re.findall(r'"([^"]+)"', value):
            yield from quoted.split("\\0")


@pytest.mark.parametrize("board", BOARDS)
def test_every_device_of_a_board_has_its_driver_or_is_named(release: Release, board: str) -> None:
    kernel = Kernel(release.modules.parents[3], 0)
    ours = {path.name.partition(".")[0].replace("-", "_") for path in kernel.find(FOR_THE_CARD)}
    known = drivers_by_device(release.modules)
    wanted = {
        name
        for device in devices_of(read_boot_file(release.image, f"{board}.dtb"))
        for name in known.get(device, ())
    }
    assert wanted - ours <= NOT_ON_A_CARD
    assert {"sdhci_iproc", "spi_bcm2835", "i2c_bcm2835", "dwc2"} <= wanted & ours


def ask(tree: Path, node: str, name: str) -> str:
    """Return a property of a device tree, "" where there is none."""
    command = ["fdtget", tree, node, name]
    return subprocess.run(command, check=False, capture_output=True, text=True).stdout.strip()


def test_the_clock_is_in_each_device_tree_and_no_radio_or_network_port_is_on(release: Release) -> None:
    for board in BOARDS:
        tree = release.image.with_name(f"{board}.dtb")
        tree.write_bytes(read_boot_file(release.image, tree.name))
        assert ask(tree, "/soc/i2c@7e804000/rtc@68", "compatible") == "maxim,ds3231"
        assert ask(tree, "/soc/i2c@7e804000", "clock-frequency") == "400000"
        for node in ("/soc/mmc@7e300000", "/scb/ethernet@7d580000", "/soc/serial@7e201000/bluetooth"):
            assert ask(tree, node, "status") in {"disabled", ""}
