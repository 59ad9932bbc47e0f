import re

import numpy as np
import pytest
from PIL import Image

from alloygan import load_zoo


@pytest.fixture
def page(tmp_path, prepared, two_phases, with_crack):
    def write(name, image):
        Image.fromarray(image).save(tmp_path / name)

    write("<b>&'x.png", two_phases((120, 200), seed=1))
    write("cracked.png", with_crack(two_phases((200, 300), seed=2), seed=5, length=0.5)[0])
    write("gone.png", two_phases((120, 200), seed=3))
    done = prepared(
        "file,exposure,cracks\n<b>&'x.png,<script>alert(1)</script>,\ncracked.png,100,\ngone.png,7,micrograph\n"
    )
    return done, done.summary.read_text(encoding="utf-8")


def test_everything_is_escaped(page):
    _, text = page
    assert "<script" not in text
    assert "<b>&'x" not in text
    assert "exposure = &lt;script&gt;alert(1)&lt;/script&gt;" in text
    assert "http" not in re.sub(r"http-equiv", "", text)


def test_counts_warnings_and_pictures(page):
    done, text = page
    assert f"{done.training_patches:,} training and {done.evaluation_patches:,} evaluation patches" in text
    assert "the condition exposure = 7 has no micrograph left" in text
    assert "left out: the manifest says so (cracks: micrograph)" in text
    assert text.count("data:image/jpeg;base64,") == 2 * (2 + 4)
    assert text.count("<polyline") == 2 * 2
    for link in re.findall(r'href="(overlays/[^"]+)"', text):
        name = link.replace("%3C", "<").replace("%3E", ">").replace("%26", "&").replace("%27", "'")
        assert (done.out / name).is_file()
    assert len(re.findall(r'href="overlays/', text)) == 3


def test_the_data_block_is_a_spec(page, tmp_path):
    done, text = page
    block = re.search(r"<pre>(.*?)</pre>", text, re.DOTALL).group(1)
    rest = "\ngenerator: dcgan_attention\ncritic: dcgan_contrastive\nlosses: {adversarial: wgan}\n"
    block = block.replace("{name: exposure}", "{name: exposure, scale: category}")
    (tmp_path / "spec.yaml").write_text(f"name: prepared\n{block}{rest}training: {{epochs: 1}}\n")
    spec = load_zoo(()).read_spec(str(tmp_path / "spec.yaml"), ())
    assert spec.data.manifest == done.manifest.resolve()
    data = spec.data.build(spec.conditions)
    assert len(data.train) == done.training_patches


def test_the_overlay_shows_the_crack(page):
    done, _ = page
    picture = np.asarray(Image.open(done.out / "overlays/cracked.png")).astype(int)
    crack = (np.abs(picture - np.array([213, 94, 0])).max(axis=-1) < 8)[:-40]
    assert crack.mean() > 0.002
    whole = np.asarray(Image.open(done.out / "overlays/<b>&'x.png")).astype(int)
    assert not (np.abs(whole - np.array([213, 94, 0])).max(axis=-1) < 8).any()
