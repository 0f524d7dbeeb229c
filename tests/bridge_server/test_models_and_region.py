"""What can be known before a session: the catalogue, and the window."""

from __future__ import annotations

from typing import Any

import pytest
from flask.testing import FlaskClient

from bridge_client.geometry import Bounds, Extent, Point
from bridge_client.region import propose_window
from tests.fakes.bridge import session_body

CANVAS = {"width": 400, "height": 300}
CONTENT = {"x": 0, "y": 0, "width": 400, "height": 300}
SELECTION = {"x": 100, "y": 100, "width": 80, "height": 40}
POINTS = [{"x": 110.0, "y": 120.0}, {"x": 150.0, "y": 120.0}]


def region_body(**changes: Any) -> dict[str, Any]:
    body = {"canvas": CANVAS, "layer_content": CONTENT, "selection": SELECTION, "points": POINTS}
    return {**body, **changes}


def test_the_catalogue_tells_every_model(client: FlaskClient) -> None:
    models = {each["id"]: each for each in client.get("/v1/models").json["models"]}
    assert set(models) == {"default", "other", "lacking"}
    assert models["default"]["feature_side_px"] == 16
    assert [models[name]["is_installed"] for name in ("default", "lacking")] == [True, False]


def test_a_model_that_is_not_installed_opens_no_session(client: FlaskClient) -> None:
    reply = client.post("/v1/sessions", json=session_body() | {"model": "lacking"})
    assert (reply.status_code, reply.json["code"]) == (422, "model-missing")


def test_the_window_is_the_one_that_our_client_would_send(client: FlaskClient) -> None:
    reply = client.post("/v1/region", json=region_body())
    expected = propose_window(
        selection=Bounds(100, 100, 80, 40),
        layer_content=Bounds(0, 0, 400, 300),
        points=[Point(110.0, 120.0), Point(150.0, 120.0)],
        canvas=Extent(400, 300),
    )
    assert Bounds(**reply.json["bounds_canvas"]) == expected == Bounds(100, 80, 80, 80)
    assert reply.json["px_per_feature"] == 80 / 16


def test_the_window_has_the_models_shape(client: FlaskClient) -> None:
    reply = client.post("/v1/region", json=region_body(model="other"))
    assert reply.json["bounds_canvas"] == {"x": 100, "y": 100, "width": 80, "height": 40}


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"points": []}, "no points"),
        ({"points": [{"x": 500.0, "y": 1.0}]}, "outside the canvas"),
        ({"layer_content": {**CONTENT, "width": 0}}, "no pixels"),
        ({"selection": {**SELECTION, "x": 500}}, "no pixel of the canvas"),
    ],
)
def test_what_makes_no_window_gets_a_sentence_and_its_own_hint(
    client: FlaskClient, changes: dict[str, Any], sentence: str
) -> None:
    reply = client.post("/v1/region", json=region_body(**changes))
    assert (reply.status_code, reply.json["code"]) == (422, "no-region")
    assert sentence in reply.json["detail"] and reply.json["hint"].endswith(".")
