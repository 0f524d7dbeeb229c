"""From Start to the target: the sum is right, and each loop's steps are its own."""

from types import SimpleNamespace

import pytest
import torch

from benchmarks import click_to_target
from benchmarks.click_to_target import seconds, steps_taken
from benchmarks.speed import Times
from tests.fakes.generator import TINY_SHAPE, tiny_generator


def test_a_drag_is_what_comes_before_it_and_its_steps():
    assert seconds(5.5, Times(first_seconds=0.5, seconds=2.0)) == pytest.approx(11.5)


def test_the_steps_of_each_loop_are_counted_for_each_drag(monkeypatch):
    def taking(extra):
        return lambda model, task: SimpleNamespace(steps=int(10 * task.handles[0, 0]) + extra)

    monkeypatch.setattr(click_to_target, "LOOPS", {"reference": taking(100), "ours": taking(0)})
    model = SimpleNamespace(generator=tiny_generator())
    cases = [
        SimpleNamespace(
            z=torch.ones(1, TINY_SHAPE.z_dim), handles=torch.full((1, 2), x), targets=None
        )
        for x in (0.25, 0.5)
    ]
    assert steps_taken(model, cases) == {"reference": [102, 105], "ours": [2, 5]}
