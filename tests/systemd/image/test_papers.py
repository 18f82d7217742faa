"""The bill of materials: every package, wheel and image with its hash, the same each time."""

import json
from hashlib import sha256
from pathlib import Path

from systemd.image.packages import Package
from systemd.image.papers import make_bill


def package(section: str, name: str) -> Package:
    path = f"pool/main/x/{name}_1.0%2b1_arm64.deb"
    return Package(
        section=section, archive="debian", path=path, size=1, sha256=sha256(name.encode()).hexdigest()
    )


def test_all_that_went_in_is_listed_with_its_hash_and_what_only_builds_is_marked(tmp_path: Path) -> None:
    wheel, card = tmp_path / "Some_Wheel-2.0-py3-none-any.whl", tmp_path / "card.img"
    wheel.write_bytes(b"wheel")
    card.write_bytes(b"card")
    packages = [package("root", "dash"), package("twin", "python3.13-minimal")]
    text = make_bill("0.1.0", packages, [wheel], {"card.img": card}, 1_790_000_000)
    assert make_bill("0.1.0", packages, [wheel], {"card.img": card}, 1_790_000_000) == text
    bill = json.loads(text)
    assert (bill["bomFormat"], bill["specVersion"]) == ("CycloneDX", "1.5")
    listed = {
        each["name"]: (each["version"], each["scope"], each["hashes"][0]["content"])
        for each in bill["components"]
    }
    assert listed == {
        "dash": ("1.0+1", "required", sha256(b"dash").hexdigest()),
        "python3.13-minimal": ("1.0+1", "excluded", sha256(b"python3.13-minimal").hexdigest()),
        "Some_Wheel": ("2.0", "required", sha256(b"wheel").hexdigest()),
    }
    (made,) = bill["metadata"]["component"]["components"]
    assert made["hashes"] == [{"alg": "SHA-256", "content": sha256(b"card").hexdigest()}]
    assert len({each["bom-ref"] for each in bill["components"]}) == 3
