"""The fake Krita has only names that the real one has."""

import krita
import pytest

from tests.fakes import krita as fake

CLASSES = [fake.Krita, fake.Document, fake.Node, fake.VectorLayer, fake.Selection]


@pytest.mark.parametrize("fake_class", CLASSES, ids=lambda fake_class: fake_class.__name__)
def test_each_public_name_of_the_fake_is_the_real_ones(fake_class):
    names = {name for name in vars(fake_class) if not name.startswith("_")}
    # The class's own names: hasattr would also find Qt slots that have no wrapper.
    real_names = {
        name
        for real_class in getattr(krita, fake_class.__name__).__mro__
        for name in vars(real_class)
    }
    assert names <= real_names


def test_the_fake_covers_all_its_classes():
    public = {name for name, value in vars(fake).items() if isinstance(value, type)}
    assert {name for name in public if not name.startswith("_")} == {
        *(fake_class.__name__ for fake_class in CLASSES),
        "Crash",
    }
