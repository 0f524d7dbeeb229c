"""`draglayer drag` as a person calls it: what it writes, and one sentence where it can't."""

import io
import json

import numpy as np
import pytest
from PIL import Image

from draglayer_cli.pictures import read_picture
from engine.composite import lay_over
from tests.draglayer_cli.conftest import CANVAS, HEAD, PAIR
from tests.fakes.generator import TRAINED_FILE

FILES = {"layer": "layer.png", "composite": "composite.png", "sheet": "sheet.png", "way": "way.gif"}


@pytest.fixture(scope="session")
def drag(draglayer, model_file, tmp_path_factory):
    """Drags two steps with the smallest model; `--model` and `--out` may be given."""

    def call(picture, *arguments):
        given = [*arguments]
        for option, value in (("--model", model_file), ("--out", tmp_path_factory.mktemp("out"))):
            if option not in given:
                given += [option, value]
        return draglayer("drag", picture, "--steps", 2, *given)

    return call


@pytest.fixture(scope="module")
def edit(drag, picture_file, mask_file, tmp_path_factory):
    """One edit with a mask: what was printed, and the folder."""
    out = tmp_path_factory.mktemp("edit") / "new" / "folder"
    result = drag(picture_file, "--pair", PAIR, "--mask", mask_file, "--json", "--out", out)
    assert result.exit_code == 0, result.output
    return result, out


def is_one_sentence(result):
    """Whether a call ended as a mistake shall: code 2, no traceback, one line that says it."""
    said = result.stderr.strip().splitlines()
    return (
        result.exit_code == 2
        and isinstance(result.exception, SystemExit)
        and said[-1].startswith("Error: ")
        and sum(line.startswith("Error: ") for line in said) == 1
        and "Traceback" not in result.output
    )


def rgba(path):
    with Image.open(path) as image:
        return np.asarray(image.convert("RGBA"))


def outside(mask_file):
    with Image.open(mask_file) as mask:
        return np.asarray(mask) == 0


def test_everything_promised_is_written(edit):
    _, out = edit
    assert {path.name for path in out.iterdir()} == set(FILES.values())
    assert rgba(out / "composite.png").shape == (CANVAS[1], CANVAS[0], 4)
    with Image.open(out / "layer.png") as layer:
        assert (layer.mode, layer.size) == ("RGBA", CANVAS)
    with Image.open(out / "way.gif") as way:
        assert way.n_frames > 1


def test_json_is_all_that_is_printed_then(edit):
    report = json.loads(edit[0].stdout)
    assert report["reason"] == "budget" and report["steps"] == 2
    assert report["distance_px"]["before"] == pytest.approx(8.0, abs=0.01)
    assert report["match"]["level"] in ("good", "fair", "poor")
    (hint,) = report["hints"]
    assert 0.0 <= hint["confidence"] <= hint["best_confidence"] <= 1.0
    assert report["files"] == FILES
    left, top, side = HEAD
    assert report["window"] == {"x": left, "y": top, "width": side, "height": side}
    assert edit[0].stderr == ""


def test_outside_the_mask_the_composite_is_the_original(edit, picture_file, mask_file):
    _, out = edit
    kept = outside(mask_file)
    assert not rgba(out / "layer.png")[kept].any()
    assert np.array_equal(rgba(out / "composite.png")[kept], rgba(picture_file)[kept])


def test_the_composite_is_the_layer_over_the_picture(edit, picture_file):
    _, out = edit
    layer = rgba(out / "layer.png")
    assert layer.any()
    assert np.array_equal(rgba(out / "composite.png"), lay_over(rgba(picture_file), layer))


def test_on_an_opaque_picture_it_says_that_the_layer_lies_above(edit):
    assert json.loads(edit[0].stdout)["form"] == "patch"


@pytest.fixture(scope="module")
def translucent_file(picture_file, tmp_path_factory):
    """The picture with any opacity anywhere."""
    pixels = rgba(picture_file).copy()
    pixels[:, :, 3] = np.random.default_rng(8).integers(1, 256, pixels.shape[:2])
    path = tmp_path_factory.mktemp("translucent") / "translucent.png"
    Image.fromarray(pixels).save(path)
    return path


def test_a_translucent_picture_is_replaced(drag, translucent_file, mask_file, tmp_path):
    given = ("--pair", PAIR, "--mask", mask_file, "--out", tmp_path)
    result = drag(translucent_file, *given)
    assert result.exit_code == 0 and "to take its place" in result.stdout
    before, layer = rgba(translucent_file), rgba(tmp_path / "layer.png")
    kept = outside(mask_file)
    assert np.array_equal(layer[kept], before[kept]) and not np.array_equal(layer, before)
    assert np.array_equal(rgba(tmp_path / "composite.png"), layer)


def test_without_a_mask_the_window_bounds_the_change(drag, picture_file, tmp_path):
    left, top, side = 25, 20, 40  # reaches over the picture's lower edge
    window = f"--window={left},{top},{side}"
    result = drag(picture_file, "--pair", PAIR, window, "--out", tmp_path)
    assert result.exit_code == 0, result.output
    assert "after 2 steps" in result.stdout
    changed = (rgba(tmp_path / "composite.png") != rgba(picture_file)).any(axis=2)
    assert not changed[:top].any() and not changed[:, :left].any()


def test_the_match_is_said_before_the_drag(drag, picture_file, tmp_path):
    result = drag(picture_file, "--pair", PAIR, "--out", tmp_path)
    first, *_ = result.stderr.splitlines()
    assert first.startswith("The model")


def test_a_profile_says_how_long_the_reading_may_take(drag, picture_file, mask_file, tmp_path):
    shares = {}
    for profile in ("instant", "fast", "balanced"):
        given = ("--pair", PAIR, "--mask", mask_file, "--profile", profile)
        result = drag(picture_file, *given, "--json", "--out", tmp_path / profile)
        shares[profile] = json.loads(result.stdout)["match"]["share"]
    assert len(set(shares.values())) == len(shares)  # each found another latent


def test_the_best_profile_teaches_the_model_the_picture(drag, picture_file, mask_file, tmp_path):
    shares = []
    for profile in ("balanced", "best"):
        given = ("--pair", PAIR, "--mask", mask_file, "--profile", profile, "--model", TRAINED_FILE)
        result = drag(picture_file, *given, "--json", "--out", tmp_path / profile)
        shares.append(json.loads(result.stdout)["match"]["share"])
    assert shares[1] > shares[0]


def test_an_unknown_profile_is_told_the_known_ones(drag, picture_file):
    result = drag(picture_file, "--pair", PAIR, "--profile", "slow")
    assert result.exit_code == 2 and "'instant', 'fast', 'balanced', 'best'" in result.stderr


SAVED_AS = {"16 bit grey": ("I;16", "png"), "CMYK": ("CMYK", "tif"), "LA": ("LA", "png")}


@pytest.mark.parametrize(("mode", "kind"), SAVED_AS.values(), ids=SAVED_AS.keys())
def test_pictures_of_many_kinds_are_dragged(drag, canvas_pixels, mask_file, tmp_path, mode, kind):
    path = tmp_path / f"kind.{kind}"
    image = Image.fromarray(canvas_pixels)
    if mode == "I;16":
        image = Image.fromarray(np.asarray(image.convert("L")).astype(np.uint16) * 257)
    (image if mode == "I;16" else image.convert(mode)).save(path)
    result = drag(path, "--pair", PAIR, "--mask", mask_file, "--out", tmp_path / "out")
    assert result.exit_code == 0, result.output
    kept, read = outside(mask_file), read_picture(path).pixels
    assert np.array_equal(rgba(tmp_path / "out/composite.png")[kept], read[kept])


PAIRS = {
    "none": [],
    "outside the picture": ["--pair", "36,30:400,30"],
    "a handle outside": ["--pair=-3,30:40,30"],
    "not a number": ["--pair", "nan,30:44,30"],
    "endless": ["--pair", "36,30:inf,30"],
    "far beyond any picture": ["--pair", "36,30:1e30,30"],
    "no target": ["--pair", "36,30"],
    "no coordinates": ["--pair", "here:there"],
    "three coordinates": ["--pair", "1,2,3:4,5"],
    "empty": ["--pair", ""],
    "one good and one bad": ["--pair", PAIR, "--pair", "1:2"],
}


@pytest.mark.parametrize("arguments", PAIRS.values(), ids=PAIRS.keys())
def test_pairs_that_make_no_drag_are_one_sentence(
    drag, picture_file, mask_file, tmp_path, arguments
):
    out = tmp_path / "out"
    result = drag(picture_file, "--mask", mask_file, "--out", out, *arguments)
    assert is_one_sentence(result), result.output
    assert not out.exists()


WINDOWS = {
    "no square": "1,2",
    "no numbers": "a,b,c",
    "tiny": "30,20,4",
    "of negative size": "30,20,-40",
    "larger than any picture": "0,0,100000",
    "far away": "5000,5000,64",
    "beyond all counting": "99999999999999,0,64",
    "without the handle": "0,0,20",
}


@pytest.mark.parametrize("window", WINDOWS.values(), ids=WINDOWS.keys())
def test_windows_that_make_no_edit_are_one_sentence(drag, picture_file, window):
    assert is_one_sentence(drag(picture_file, "--pair", PAIR, f"--window={window}"))


def write(path, content):
    path.write_bytes(content)
    return path


def png():
    buffer = io.BytesIO()
    noise = np.random.default_rng(1).integers(0, 256, (64, 64, 3), np.uint8)
    Image.fromarray(noise).save(buffer, "PNG")
    return buffer.getvalue()


NO_PICTURES = {
    "missing": lambda folder: folder / "nowhere.png",
    "a folder": lambda folder: folder,
    "text": lambda folder: write(folder / "a.png", b"I am no picture"),
    "empty": lambda folder: write(folder / "a.png", b""),
    "cut short": lambda folder: write(folder / "a.png", png()[:2000]),
}


@pytest.mark.parametrize("make", NO_PICTURES.values(), ids=NO_PICTURES.keys())
def test_a_file_that_is_no_picture_is_one_sentence(drag, picture_file, tmp_path, make):
    assert is_one_sentence(drag(make(tmp_path), "--pair", PAIR))
    assert is_one_sentence(drag(picture_file, "--pair", PAIR, "--mask", make(tmp_path)))


def test_a_picture_without_a_range_is_one_sentence(drag, tmp_path):
    path = tmp_path / "floats.tif"
    Image.fromarray(np.ones((8, 8), np.float32)).save(path)
    result = drag(path, "--pair", "1,1:2,2")
    assert is_one_sentence(result) and "8 or 16 bits per channel" in result.stderr


def test_a_picture_with_nothing_on_it_is_one_sentence(drag, tmp_path):
    Image.new("RGBA", (16, 16)).save(tmp_path / "empty.png")
    assert is_one_sentence(drag(tmp_path / "empty.png", "--pair", "1,1:2,2"))


def test_a_mask_of_another_size_says_both_sizes(drag, picture_file, tmp_path):
    Image.new("L", (30, 20), 255).save(tmp_path / "small.png")
    result = drag(picture_file, "--pair", PAIR, "--mask", tmp_path / "small.png")
    assert is_one_sentence(result)
    said = " ".join(result.stderr.split())
    assert "30 x 20" in said and "72 x 56" in said


def test_a_black_mask_is_one_sentence(drag, picture_file, tmp_path):
    Image.new("L", CANVAS).save(tmp_path / "black.png")
    result = drag(picture_file, "--pair", PAIR, "--mask", tmp_path / "black.png")
    assert is_one_sentence(result) and "paint white" in result.stderr


MODELS = {
    "missing": lambda folder, model: folder / "nowhere.safetensors",
    "a folder": lambda folder, model: folder,
    "a picture": lambda folder, model: write(folder / "m", png()),
    "empty": lambda folder, model: write(folder / "m", b""),
    "cut short": lambda folder, model: write(folder / "m", model.read_bytes()[:-100]),
    "altered": lambda folder, model: write(folder / "m", model.read_bytes()[:-1] + b"\x7f"),
}


@pytest.mark.parametrize("make", MODELS.values(), ids=MODELS.keys())
def test_a_wrong_model_is_one_sentence(drag, picture_file, tmp_path, model_file, make):
    result = drag(picture_file, "--pair", PAIR, "--model", make(tmp_path, model_file))
    assert is_one_sentence(result), result.output


def test_without_a_bridge_the_next_step_is_named(drag, picture_file, tmp_path, monkeypatch):
    monkeypatch.setenv("DRAGLAYER_RUNTIME_DIR", str(tmp_path / "run"))
    result = drag(picture_file, "--pair", PAIR, "--via-bridge")
    assert is_one_sentence(result) and "draglayer serve" in result.stderr


def test_a_folder_that_can_not_be_written_is_one_sentence(drag, picture_file, tmp_path):
    taken = write(tmp_path / "taken", b"a file")
    assert is_one_sentence(drag(picture_file, "--pair", PAIR, "--out", taken))


def test_the_folder_is_asked_for(draglayer, picture_file):
    assert is_one_sentence(draglayer("drag", picture_file, "--pair", PAIR))


@pytest.mark.parametrize("steps", ["0", "-1", "many", "10001"])
def test_a_count_of_steps_has_limits(draglayer, picture_file, tmp_path, steps):
    result = draglayer(
        "drag", picture_file, "--pair", PAIR, "--out", tmp_path / "out", "--steps", steps
    )
    assert is_one_sentence(result)
