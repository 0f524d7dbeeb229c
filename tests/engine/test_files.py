import pytest
import torch

from engine.files import digest_of_tensors, write_whole


def test_a_file_is_replaced_and_nothing_else_is_left(tmp_path):
    path = tmp_path / "file"
    for content in (b"old", b"new"):
        write_whole(path, content)
        assert path.read_bytes() == content
    assert list(tmp_path.iterdir()) == [path]


def test_a_write_that_fails_leaves_everything_as_it_was(tmp_path):
    path = tmp_path / "folder"
    path.mkdir()
    with pytest.raises(OSError):
        write_whole(path, b"content")
    assert list(tmp_path.iterdir()) == [path]


TENSORS = {"a": torch.tensor([1.0, 2.0]), "b": torch.tensor([[1]])}


def test_the_digest_is_that_of_the_tensors_in_any_order():
    turned = {name: TENSORS[name].clone() for name in ("b", "a")}
    assert digest_of_tensors(turned) == digest_of_tensors(TENSORS)


@pytest.mark.parametrize(
    "change",
    [
        {"a": torch.tensor([1.0, 2.5])},
        {"a": torch.tensor([1.0, 2.0], dtype=torch.float64)},
        {"b": torch.tensor([1])},
        {"c": torch.tensor(0)},
    ],
)
def test_the_digest_tells_any_change(change):
    assert digest_of_tensors(TENSORS | change) != digest_of_tensors(TENSORS)
