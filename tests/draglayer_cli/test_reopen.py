"""`draglayer drag --save` and `draglayer reopen`: an edit as one file, and what is done with it."""

import json
import zipfile

import numpy as np
import pytest
from PIL import Image

from tests.draglayer_cli.conftest import PAIR
from tests.draglayer_cli.test_drag import is_one_sentence, rgba


@pytest.fixture(scope="module")
def first(draglayer, picture_file, mask_file, model_file, tmp_path_factory):
    """A saved edit with a mask: its file, and the folder of its results."""
    folder = tmp_path_factory.mktemp("first")
    given = ("--pair", PAIR, "--mask", mask_file, "--model", model_file, "--steps", 2)
    saved = folder / "edit.draglayer"
    result = draglayer("drag", picture_file, *given, "--out", folder, "--save", saved)
    assert result.exit_code == 0, result.output
    return saved, folder


@pytest.fixture
def reopen(draglayer, model_file, first, tmp_path):
    """Opens the saved edit, or another file, with the tiny model."""

    def call(*arguments, file=first[0], out=tmp_path / "out"):
        return draglayer("reopen", file, "--model", model_file, "--out", out, *arguments)

    return call


def layer(folder):
    return rgba(folder / "layer.png")


def test_it_stands_where_it_stood(reopen, first, tmp_path):
    result = reopen()
    assert result.exit_code == 0, result.output
    assert np.array_equal(layer(tmp_path / "out"), layer(first[1]))
    assert np.array_equal(
        rgba(tmp_path / "out" / "composite.png"), rgba(first[1] / "composite.png")
    )
    assert "drag 1 of 1" in result.stdout


def test_an_undone_edit_is_an_empty_layer_and_can_be_redone(reopen, first, tmp_path):
    again = tmp_path / "again.draglayer"
    assert reopen("--undo", 1, "--save", again).exit_code == 0
    assert not layer(tmp_path / "out").any()
    assert reopen("--redo", 1, file=again).exit_code == 0
    assert np.array_equal(layer(tmp_path / "out"), layer(first[1]))


@pytest.mark.parametrize("option", [("--amount", "0"), ("--position", "0")])
def test_none_of_the_edit_is_an_empty_layer(reopen, tmp_path, option):
    assert reopen(*option).exit_code == 0
    assert not layer(tmp_path / "out").any()


def test_more_of_it_is_another_layer(reopen, first, tmp_path):
    assert reopen("--amount", "1.5").exit_code == 0
    assert not np.array_equal(layer(tmp_path / "out"), layer(first[1]))


def test_it_is_dragged_on(reopen):
    result = reopen("--pair", "40,36:40,30", "--steps", 2, "--json")
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout)["steps"] == 2


def test_a_picture_with_alpha_and_no_mask_comes_back(draglayer, model_file, tmp_path):
    pixels = np.random.default_rng(7).integers(0, 256, (40, 40, 4), np.uint8)
    Image.fromarray(pixels).save(tmp_path / "a.png")
    saved, model = tmp_path / "edit.draglayer", ("--model", model_file)
    given = ("--pair", "20,20:24,20", "--steps", 1, "--save", saved, "--out", tmp_path / "out")
    assert draglayer("drag", tmp_path / "a.png", *model, *given).exit_code == 0
    again = draglayer("reopen", saved, *model, "--out", tmp_path / "again")
    assert again.exit_code == 0 and "to take its place" in again.stdout
    for name in ("layer.png", "composite.png"):
        assert np.array_equal(rgba(tmp_path / "again" / name), rgba(tmp_path / "out" / name))


def test_what_can_not_be_undone_is_one_sentence(reopen):
    result = reopen("--undo", 2)
    assert is_one_sentence(result) and "nothing to undo" in result.stderr


def test_the_model_of_ones_own_is_asked_for(draglayer, first, tmp_path):
    result = draglayer("reopen", first[0], "--out", tmp_path)
    assert is_one_sentence(result) and "tiny.safetensors" in result.stderr


def test_another_model_is_one_sentence(draglayer, first, tmp_path):
    result = draglayer("reopen", first[0], "--model", "default", "--out", tmp_path)
    assert is_one_sentence(result) and "another" in result.stderr


def test_a_bridge_saves_nothing(draglayer, picture_file, tmp_path):
    given = ("--pair", PAIR, "--out", tmp_path / "out", "--save", tmp_path / "e", "--via-bridge")
    assert is_one_sentence(draglayer("drag", picture_file, *given))


def without(name):
    def change(parts):
        return {key: value for key, value in parts.items() if key != name}

    return change


def with_part(name, content):
    return lambda parts: parts | {name: content}


def with_fact(name, value):
    def change(parts):
        facts = json.loads(parts["edit.json"]) | {name: value}
        return parts | {"edit.json": json.dumps(facts).encode()}

    return change


DAMAGES = {
    "no facts": without("edit.json"),
    "no picture": without("picture.png"),
    "no session": without("session"),
    "facts that are none": with_part("edit.json", b"[[["),
    "facts too large": with_part("edit.json", b" " * 70_000),
    "a picture that is none": with_part("picture.png", b"text"),
    "a session that is none": with_part("session", b"text"),
    "another version": with_fact("version", 2),
    "a window of no size": with_fact("window", [0, 0, 0, 0]),
    "a window that is no square": with_fact("window", [0, 0, 8, 9]),
    "an endless window": with_fact("window", [0, 0, 1e300, 1e300]),
    "a window of words": with_fact("window", "here"),
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES.keys())
def test_a_damaged_file_is_one_sentence(reopen, first, tmp_path, damage):
    with zipfile.ZipFile(first[0]) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(tmp_path / "bad", "w") as archive:
        for name, content in damage(parts).items():
            archive.writestr(name, content)
    result = reopen(file=tmp_path / "bad")
    assert is_one_sentence(result), result.output
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("content", [b"", b"PK", b"text" * 99])
def test_a_file_of_another_kind_is_one_sentence(reopen, tmp_path, content):
    (tmp_path / "other").write_bytes(content)
    result = reopen(file=tmp_path / "other")
    assert is_one_sentence(result) and "draglayer drag --save" in " ".join(result.stderr.split())


def test_a_file_cut_short_is_one_sentence(reopen, first, tmp_path):
    (tmp_path / "short").write_bytes(first[0].read_bytes()[:-200])
    assert is_one_sentence(reopen(file=tmp_path / "short"))
    assert is_one_sentence(reopen(file=tmp_path / "nowhere"))
