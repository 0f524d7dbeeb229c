"""What is kept, for how long, and what is never taken for it."""

import os

import numpy as np
import pytest
import torch

import engine.inversion.cache as cache_module
from engine.inversion.cache import MOST_FILES, MOST_KEPT, InversionCache, inversion_key
from engine.inversion.match import Match
from engine.inversion.stages import PROFILES, InversionParams, InversionStep

PARAMS = InversionParams()
WINDOW = np.zeros((4, 4, 4), np.uint8)


def last_step(value=1.0):
    return InversionStep(
        step_index=9,
        step_budget=9,
        loss=0.25 + value,
        w_plus=torch.full((1, 4, 6), value),
        changes={"a": torch.full((2,), value).half()},
        match=Match(share=0.7),
    )


def is_same(found, expected):
    return (
        found is not None
        and (found.step_index, found.loss, found.match)
        == (expected.step_index, expected.loss, expected.match)
        and torch.equal(found.w_plus, expected.w_plus)
        and found.changes.keys() == expected.changes.keys()
        and all(torch.equal(found.changes[n], c) for n, c in expected.changes.items())
    )


def test_the_key_is_of_pixels_model_and_parameters():
    other = WINDOW.copy()
    other[0, 0, 0] = 1
    keys = [
        inversion_key(WINDOW, "a", PARAMS),
        inversion_key(other, "a", PARAMS),
        inversion_key(WINDOW.reshape(2, 8, 4), "a", PARAMS),
        inversion_key(WINDOW, "b", PARAMS),
        *(inversion_key(WINDOW, "a", params) for params in PROFILES.values() if params != PARAMS),
    ]
    assert len(set(keys)) == len(keys)
    assert keys[0] == inversion_key(WINDOW.copy(), "a", InversionParams())


def test_what_is_kept_is_found_and_nothing_else():
    cache = InversionCache()
    cache.keep("a", last_step())
    assert is_same(cache.find("a"), last_step()) and cache.find("b") is None


def test_the_ones_used_last_stay():
    cache = InversionCache()
    for number in range(MOST_KEPT):
        cache.keep(str(number), last_step(number))
    cache.find("0")
    cache.keep("new", last_step())
    assert cache.find("0") is not None and cache.find("1") is None


def test_large_ones_are_fewer(monkeypatch):
    cache, size = InversionCache(), last_step().w_plus.nbytes + last_step().changes["a"].nbytes
    monkeypatch.setattr(cache_module, "MOST_KEPT_BYTES", 3 * size)
    for number in range(4):
        cache.keep(str(number), last_step(float(number)))
    assert [cache.find(str(number)) is not None for number in range(4)] == [False] + [True] * 3


def test_another_process_finds_what_lies_in_the_folder(tmp_path):
    folder = tmp_path / "made" / "when needed"
    InversionCache(folder).keep("a", last_step())
    assert is_same(InversionCache(folder).find("a"), last_step())


@pytest.mark.parametrize("length", [0, 7, 100, -1])
def test_a_damaged_file_is_as_good_as_none(tmp_path, length):
    InversionCache(tmp_path).keep("a", last_step())
    (file,) = tmp_path.iterdir()
    file.write_bytes(file.read_bytes()[:length])
    assert InversionCache(tmp_path).find("a") is None


def test_a_latent_of_no_numbers_is_as_good_as_none(tmp_path):
    InversionCache(tmp_path).keep("a", last_step(float("nan")))
    assert InversionCache(tmp_path).find("a") is None


def test_a_folder_that_cannot_be_is_passed_over(tmp_path):
    (tmp_path / "file").write_bytes(b"")
    cache = InversionCache(tmp_path / "file")
    cache.keep("a", last_step())
    assert cache.find("a") is not None


def test_the_oldest_of_too_large_files_go(tmp_path, monkeypatch):
    cache = InversionCache(tmp_path)
    cache.keep("old", last_step())
    (file,) = tmp_path.iterdir()
    monkeypatch.setattr(cache_module, "MOST_FILE_BYTES", file.stat().st_size + 1)
    os.utime(file, ns=(1, 1))
    cache.keep("new", last_step())
    assert [file.stem for file in tmp_path.iterdir()] == ["new"]


def test_the_oldest_of_too_many_files_go(tmp_path):
    for number in range(MOST_FILES + 3):
        file = tmp_path / f"{number}.safetensors"
        file.write_bytes(b"")
        os.utime(file, ns=(number, number))
    InversionCache(tmp_path).keep("a", last_step())
    left = {file.stem for file in tmp_path.iterdir()}
    assert len(left) == MOST_FILES and "a" in left and "3" not in left and "4" in left
