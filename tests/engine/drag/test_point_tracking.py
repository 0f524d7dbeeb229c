"""Handles found again in a map whose truth is known."""

import pytest
import torch

from engine.drag.point_tracking import refine_points, track_points
from engine.generator.local_features import sample_features
from engine.geometry import disc_offsets, sample, square_offsets
from tests.fakes.blobs import blob

CANDIDATES = square_offsets(3.0, 0.25, torch.device("cpu"))
START = torch.tensor([[7.5, 8.5]])
PLACE = (5.0, 5.0)
DISC = disc_offsets(0.75, 0.25, torch.device("cpu"))


def find(features, handles, templates, candidates=CANDIDATES):
    return track_points(features, handles, templates, candidates, rival_distance=0.75).handles


def track(moved, handles=START, candidates=CANDIDATES):
    """Templates are taken where the handles are on blobs at START; the blobs then have moved."""
    templates = sample(blob(START), handles)
    return find(blob(START + moved), handles, templates, candidates)


@pytest.mark.parametrize(
    "moved", [(0.0, 0.0), (1.0, 0.0), (0.0, -2.0), (3.0, 3.0), (-3.0, 1.0), (0.0, 3.0)]
)
def test_tracking_follows_a_shifted_blob_exactly(moved):
    way = torch.tensor([moved])
    assert torch.equal(track(way), START + way)


@pytest.mark.parametrize("moved", [(0.25, 0.0), (1.5, -0.75), (-2.25, 2.5)])
def test_a_shift_by_parts_of_a_pixel_is_found_nearly(moved):
    way = torch.tensor([moved])
    assert float((track(way) - START - way).norm()) <= 0.36  # one place of the grid


def test_a_handle_beside_the_blob_goes_with_it():
    handle = START + torch.tensor([[1.0, -1.0]])
    way = torch.tensor([[2.0, 1.0]])
    assert torch.equal(track(way, handle), handle + way)


def test_each_handle_follows_its_own_template():
    places = torch.tensor([[4.5, 4.5], [11.5, 10.5]])
    first = torch.cat([blob(places[:1]), blob(places[1:])], dim=1)
    ways = torch.tensor([[2.0, 0.0], [-1.0, -3.0]])
    later = torch.cat([blob(places[:1] + ways[:1]), blob(places[1:] + ways[1:])], dim=1)
    found = find(later, places, sample(first, places))
    assert torch.equal(found, places + ways)


def test_no_handle_leaves_the_map():
    corner = torch.tensor([[0.5, 15.5]])
    templates = torch.full((1, 3), 9.0)
    found = find(blob(START), corner, templates)
    assert ((found >= 0.0) & (found <= 16.0)).all()


def test_the_search_goes_no_farther_than_its_candidates():
    near = square_offsets(1.0, 0.25, torch.device("cpu"))
    found = track(torch.tensor([[5.0, 0.0]]), candidates=near)
    assert float((found - START).abs().max()) <= 1.0


def test_turning_map_and_handles_turns_the_answer():
    way = torch.tensor([[2.0, -1.0]])
    templates = sample(blob(START), START)
    later = blob(START + way)
    turned = find(later.transpose(2, 3), START.flip(1), templates, CANDIDATES.flip(1))
    assert torch.equal(turned.flip(1), track(way))


def confidence_after(features, templates, handle=START):
    tracked = track_points(features, handle, templates, CANDIDATES, rival_distance=0.75)
    return float(tracked.confidences[0])


def test_a_blob_that_moved_is_surely_found():
    templates = sample(blob(START), START)
    assert confidence_after(blob(START + torch.tensor([[2.0, 1.0]])), templates) > 0.8


def test_the_less_of_a_part_is_left_the_less_sure_is_its_place():
    templates = sample(blob(START), START)
    surely = [confidence_after(share * blob(START), templates) for share in (1.0, 0.7, 0.4, 0.0)]
    assert surely == sorted(surely, reverse=True) and surely[-1] == 0.0


def test_a_part_that_has_left_the_reach_is_not_surely_found():
    templates = sample(blob(START), START)
    assert confidence_after(blob(START + 7.0), templates) < 0.1


def test_where_every_place_is_alike_nothing_is_sure():
    flat = torch.full((1, 3, 16, 16), 0.5)
    assert confidence_after(flat, sample(flat, START)) == 0.0


@pytest.mark.parametrize("way", [(0.09, -0.06), (-0.12, 0.12), (0.05, 0.11)])
def test_between_the_grids_places_the_disc_tells(way):
    place = torch.tensor([PLACE])
    discs = sample_features(blob(place), place[:, None] + DISC)
    moved = place + torch.tensor([way])
    found = refine_points(blob(moved), place, discs, DISC, reach=0.25)
    assert float((found - moved).norm()) < 0.02


def test_a_place_is_not_refined_farther_than_its_reach_nor_off_the_map():
    place = torch.tensor([[0.1, 0.1]])
    discs = sample_features(blob(torch.tensor([PLACE])), torch.tensor([[PLACE]]) + DISC)
    found = refine_points(blob(torch.tensor([PLACE])), place, discs, DISC, reach=0.25)
    assert bool((found >= 0.0).all()) and float((found - place).abs().max()) <= 0.25 + 1e-6


def test_on_a_flat_map_a_place_stays():
    flat, place = torch.ones(1, 3, 16, 16), torch.tensor([[8.0, 8.0]])
    found = refine_points(flat, place, torch.zeros(1, len(DISC), 3), DISC, reach=0.25)
    assert torch.equal(found, place)
