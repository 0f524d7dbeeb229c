"""The preview slot."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image

from bridge_server.preview import PreviewSlot

GREY = np.full((8, 8, 3), 128, dtype=np.uint8)
WHITE = np.full((8, 8, 3), 255, dtype=np.uint8)


def test_an_empty_slot_wants_an_image_and_gives_none() -> None:
    slot = PreviewSlot("job", interval_s=0.1)
    assert slot.wants_image(0.0)
    assert slot.take() is None
    assert slot.etag is None


def test_the_next_image_is_wanted_only_when_the_last_was_taken_and_is_old_enough() -> None:
    slot = PreviewSlot("job", interval_s=0.1)
    slot.offer(GREY, 5.0)
    assert not slot.wants_image(9.0)  # nobody looked
    slot.take()
    assert not slot.wants_image(5.05)  # too soon
    assert slot.wants_image(5.2)


def test_costly_images_are_wanted_less_often() -> None:
    slot = PreviewSlot("job", interval_s=0.1)
    slot.offer(GREY, 5.0, cost_s=1.0)
    slot.take()
    assert not slot.wants_image(8.9)
    assert slot.wants_image(9.1)


def test_a_taken_preview_is_the_image_as_jpeg() -> None:
    slot = PreviewSlot("job", interval_s=0.1)
    etag = slot.offer(GREY, 0.0)
    preview = slot.take()
    assert preview is not None
    assert preview.etag == etag == slot.etag
    with Image.open(io.BytesIO(preview.jpeg)) as image:
        assert (image.format, image.size, image.getpixel((3, 3))) == ("JPEG", (8, 8), (128,) * 3)


def test_each_image_has_its_own_tag_and_is_encoded_once() -> None:
    slot = PreviewSlot("job", interval_s=0.1)
    first = slot.offer(GREY, 0.0)
    assert slot.take() is slot.take()
    assert slot.offer(WHITE, 1.0) != first


def test_tags_of_two_jobs_differ() -> None:
    tags = {PreviewSlot(name, interval_s=0.1).offer(GREY, 0.0) for name in ("one", "two")}
    assert len(tags) == 2
