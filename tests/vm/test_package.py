"""The life of the package: upgrade, the way back refused, removal and purge."""

from pathlib import Path

from tests.vm.box import VmBox

NEWER = """
cd /root && dpkg-deb -R pism.deb newer && sed -i "s/$(dpkg-deb -f pism.deb Version)/9.0.0/" newer/DEBIAN/*
dpkg-deb --root-owner-group -Znone -b newer newer.deb && rm -r newer
"""


def test_life_of_the_package(box: VmBox, package: Path) -> None:
    vm = box.vm
    vm.put(str(package), "/root/pism.deb")
    vm.run(NEWER, timeout=300, check=True)
    before = vm.run("cd /var/lib/pism && find . -type f | sort | xargs sha256sum")[1]
    assert before

    vm.run("DEBIAN_FRONTEND=noninteractive dpkg -i /root/newer.deb", timeout=900, check=True)
    assert vm.run("cd /var/lib/pism && find . -type f | sort | xargs sha256sum")[1] == before
    assert vm.run("ls /opt/pism | wc -l")[1].strip() == "2"  # the environment and the link to it
    vm.until("systemctl is-active pism", 120)
    box.play('expect "LOCKED" 60')

    status, said = vm.run("DEBIAN_FRONTEND=noninteractive dpkg -i /root/pism.deb", timeout=900)
    assert status != 0
    assert "is refused" in said
    assert vm.run("dpkg-query -W -f '${Version} ${Status}' pism")[1] == "9.0.0 install ok installed"
    vm.until("systemctl is-active pism", 120)
    box.command("status")

    vm.run("DEBIAN_FRONTEND=noninteractive dpkg -r pism", timeout=300, check=True)
    assert vm.run("ls /opt/pism /usr/lib/pism; systemctl is-active pism")[0] != 0
    assert (
        vm.run("cd /var/lib/pism && find . -type f | sort | xargs sha256sum | grep -c store")[1].strip()
        != "0"
    )
    vm.run("DEBIAN_FRONTEND=noninteractive dpkg -P pism", timeout=300, check=True)
    assert vm.run("test -e /var/lib/pism/store")[0] == 0
    assert vm.run("test -e /etc/pism/config.yaml")[0] != 0


def test_purge_with_consent_deletes_the_state(box: VmBox) -> None:
    box.vm.run("echo pism pism/remove-state boolean true | debconf-set-selections", check=True)
    box.vm.run("DEBIAN_FRONTEND=noninteractive dpkg -P pism", timeout=300, check=True)
    assert box.vm.run("test -e /var/lib/pism")[0] != 0
