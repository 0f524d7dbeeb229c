"""A generator with some weights changed, and the changes in a document."""

import pytest
import torch

from engine.generator.changes import stored_changes, take_changes
from tests.fakes.generator import tiny_generator

NAME = "synthesis.b16.conv0.weight"


@pytest.fixture
def generator():
    return tiny_generator()


def some_changes(generator):
    source = torch.Generator().manual_seed(3)
    shape = dict(generator.named_parameters())[NAME].shape
    return {NAME: torch.randn(shape, generator=source).half()}


def test_only_the_named_weights_are_changed_and_all_others_are_shared(generator):
    changes = some_changes(generator)
    before = {name: weight.clone() for name, weight in generator.state_dict().items()}
    changed = generator.changed(changes).state_dict()
    assert torch.equal(changed.pop(NAME), before.pop(NAME) + changes[NAME].float())
    own = generator.state_dict()
    assert all(torch.equal(own[name], weight) for name, weight in before.items())
    assert all(weight.data_ptr() == own[name].data_ptr() for name, weight in changed.items())


def test_a_changed_generator_is_frozen_and_paints_something_else(generator):
    changed = generator.changed(some_changes(generator))
    rows = [generator.sample_w(1, seed=1)] * generator.num_ws
    assert not changed.training and not any(p.requires_grad for p in changed.parameters())
    assert not torch.allclose(changed.render(rows), generator.render(rows))
    assert torch.equal(generator.changed({}).render(rows), generator.render(rows))


@pytest.mark.parametrize("name", ["synthesis.b999.conv0.weight", "synthesis.b16.conv0.bias"])
def test_a_weight_that_is_not_there_is_told(generator, name):
    with pytest.raises(ValueError, match=rf"no weight {name} of shape"):
        generator.changed({name: some_changes(generator)[NAME]})


def test_a_document_keeps_changes_beside_other_tensors(generator):
    changes = some_changes(generator)
    tensors = {"w_plus": torch.zeros(1), **stored_changes(changes)}
    taken = take_changes(tensors)
    assert list(tensors) == ["w_plus"] and taken.keys() == changes.keys()
    assert torch.equal(taken[NAME], changes[NAME])


@pytest.mark.parametrize("bad", [torch.zeros(2), torch.full((2,), float("inf")).half()])
def test_changes_of_another_type_or_of_no_numbers_are_refused(bad):
    with pytest.raises(ValueError, match="finite float16"):
        take_changes({"changes.a": bad})
