"""The history as a value: where it goes, what it shows, how much it keeps."""

import dataclasses

import pytest
import torch

from engine.history import KEPT_ENTRIES, KEPT_STEPS, Entry, History, Recording

BASE = torch.arange(12.0).reshape(1, 4, 3)


def entry(*values, position=None, amount=1.0):
    """A drag of two rows whose steps hold one value each."""
    trajectory = torch.stack([torch.full((2, 3), float(value)) for value in values])
    position = len(values) - 1 if position is None else position
    return Entry(trajectory=trajectory, position=position, amount=amount)


def shown(history):
    return float(history.w_plus[0, 0, 0])


def test_before_any_drag_the_base_is_shown():
    history = History(base=BASE)
    assert history.present is None and torch.equal(history.w_plus, BASE)


def test_a_drag_moves_its_rows_alone():
    w_plus = History(base=BASE).with_drag(entry(0, 7)).w_plus
    assert (w_plus[:, :2] == 7.0).all() and torch.equal(w_plus[:, 2:], BASE[:, 2:])


def test_a_new_drag_drops_what_was_undone():
    history = History(base=BASE).with_drag(entry(0, 1)).with_drag(entry(1, 2)).moved_to(1)
    history = history.with_drag(entry(1, 3))
    assert [float(e.shown[0, 0]) for e in history.entries] == [1.0, 3.0] and history.index == 2


@pytest.mark.parametrize(("amount", "value"), [(0.0, 2.0), (0.5, 4.0), (1.0, 6.0), (1.5, 8.0)])
def test_the_amount_goes_from_the_drags_own_start(amount, value):
    history = History(base=BASE).with_drag(entry(0, 2)).with_drag(entry(2, 6))
    assert shown(history.showing(amount=amount)) == value


def test_amounts_of_nought_and_one_are_exact():
    source = torch.Generator().manual_seed(1)
    trajectory = 1e3 * torch.randn(2, 6, 512, generator=source)
    for amount, end in ((0.0, 0), (1.0, 1)):
        at = Entry(trajectory=trajectory, position=1, amount=amount)
        assert torch.equal(at.shown, trajectory[end])


def test_the_amount_is_of_the_step_at_the_position():
    history = History(base=BASE).with_drag(entry(0, 2, 8))
    assert shown(history.showing(position=1, amount=0.5)) == 1.0


def test_an_entry_comes_back_as_it_was_left():
    history = History(base=BASE).with_drag(entry(0, 2, 8)).showing(position=1, amount=0.5)
    assert history.with_drag(entry(1, 4)).moved_to(1).present is history.present


def test_what_was_undone_stays_when_the_present_is_changed():
    history = History(base=BASE).with_drag(entry(0, 2)).with_drag(entry(2, 6)).moved_to(1)
    assert shown(history.showing(amount=0.5).moved_to(2)) == 6.0


def test_the_oldest_of_too_many_is_forgotten():
    history = History(base=BASE)
    for number in range(KEPT_ENTRIES + 3):
        history = history.with_drag(entry(number, number + 1))
    assert len(history.entries) == KEPT_ENTRIES and shown(history) == KEPT_ENTRIES + 3
    assert torch.equal(history.moved_to(0).w_plus, BASE)


def test_without_a_drag_there_is_nothing_to_show_otherwise():
    with pytest.raises(ValueError, match="drag a handle first"):
        History(base=BASE).showing(amount=0.5)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"position": 2}, "choose one from 0 to 1"),
        ({"position": -1}, "choose one from 0 to 1"),
        ({"amount": 1.51}, "choose one from 0 to 1.5"),
        ({"amount": -0.1}, "choose one from 0 to 1.5"),
        ({"amount": float("nan")}, "choose one from 0 to 1.5"),
        ({"trajectory": torch.zeros(0, 2, 3)}, "1 to 100 steps"),
        ({"trajectory": torch.zeros(KEPT_STEPS + 1, 2, 3)}, "1 to 100 steps"),
        ({"trajectory": torch.zeros(2, 3)}, "1 to 100 steps"),
    ],
)
def test_an_entry_that_is_none_is_refused(change, message):
    with pytest.raises(ValueError, match=message):
        dataclasses.replace(entry(0, 1), **change)


@pytest.mark.parametrize(
    "change",
    [
        {"index": 2},
        {"index": -1},
        {"base": torch.zeros(1, 4, 5)},
        {"base": torch.zeros(1, 1, 3)},
        {"entries": (entry(0, 1),) * (KEPT_ENTRIES + 1)},
    ],
)
def test_a_history_that_does_not_fit_together_is_refused(change):
    history = History(base=BASE).with_drag(entry(0, 1))
    with pytest.raises(ValueError, match="entr"):
        dataclasses.replace(history, **change)


def record(count, best):
    recording = Recording(torch.full((2, 3), 0.0))
    for index in range(count + 1):
        recording.add(index, torch.full((2, 3), float(index)), is_best=index == best)
    return recording.entry()


def test_a_short_drag_is_kept_whole_and_shown_at_its_best():
    kept = record(9, best=6)
    assert kept.trajectory[:, 0, 0].tolist() == list(range(10)) and kept.position == 6


@pytest.mark.parametrize(("count", "best"), [(97, 3), (98, 98), (300, 217), (10_000, 7001)])
def test_of_a_long_drag_evenly_spaced_steps_its_best_and_its_last_are_kept(count, best):
    kept = record(count, best=best)
    values = kept.trajectory[:, 0, 0]
    assert KEPT_STEPS // 2 - 1 <= len(values) <= KEPT_STEPS
    assert values[kept.position] == best and values[-1] == count and values[0] == 0
    gaps = values.diff()
    assert (gaps > 0).all() and gaps.max() <= 4 * count / KEPT_STEPS


def test_a_drag_without_an_update_is_none():
    recording = Recording(torch.zeros(2, 3))
    recording.add(0, torch.zeros(2, 3), is_best=True)
    assert not recording.has_update
    recording.add(1, torch.ones(2, 3), is_best=False)
    assert recording.has_update and recording.entry().position == 0
