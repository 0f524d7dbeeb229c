"""The procedure's arguments: declared for GIMP, read back as values."""

import json
from dataclasses import dataclass

from gi.repository import Gimp, GObject

from . import canvas
from ._vendor.bridge_client import (
    PROFILE_NAMES,
    SEEN_NAMES,
    ClientError,
    InversionProfile,
    Point,
    PointPair,
    Seen,
)

POINTS_FORM = "[[from x, from y, to x, to y], ...]"
MOST_STEPS = 1000


@dataclass(frozen=True)
class Settings:
    """What a run was asked to do.

    Args:
        points: Pairs as JSON text, canvas px; empty where the path gives them.
        path: The path whose strokes are the pairs; None = the image's selected one.
        step_budget: Most steps of the drag; None = the engine's default.
        profile: How long finding the picture in the model may take.
        model: Name of the generator.
        seen: What that sees of the layer.
    """

    points: str
    path: Gimp.Path | None
    step_budget: int | None
    profile: InversionProfile
    model: str
    seen: Seen

    def drawn_pairs(self, image: Gimp.Image) -> canvas.DrawnPairs:
        """The pairs: of the points, else of the named path, else of the selected one.

        Raises:
            ClientError: The points are no JSON list of four numbers each.
        """
        if self.points.strip():
            return canvas.DrawnPairs(parse_points(self.points))
        return canvas.drawn_pairs(self.path or canvas.selected_path(image))


def declare(procedure: Gimp.ImageProcedure) -> None:
    """Add our arguments and the layer that comes back."""
    both_ways = GObject.ParamFlags.READWRITE
    procedure.add_path_argument(
        "path",
        "_Path",
        "Each open stroke is one pair: its first anchor goes to its last; none = selected path",
        True,
        both_ways,
    )
    # A list of numbers cannot be set from Python in GIMP 3.0 and 3.2; text can.
    procedure.add_string_argument(
        "points", "P_oints", f"Instead of a path: JSON, {POINTS_FORM}, image pixels", "", both_ways
    )
    procedure.add_int_argument(
        "step-budget", "_Steps", "Most steps; 0 = as the engine likes", 0, MOST_STEPS, 0, both_ways
    )
    procedure.add_choice_argument(
        "profile",
        "_Reading",
        "How long finding the picture in the model may take",
        _choice(PROFILE_NAMES),
        InversionProfile.FAST.value,
        both_ways,
    )
    procedure.add_choice_argument(
        "model-sees",
        "Model s_ees",
        "What the model sees of the layer; what is selected may move",
        _choice(SEEN_NAMES),
        Seen.SELECTION.value,
        both_ways,
    )
    procedure.add_string_argument("model", "_Model", "Name of the model", "default", both_ways)
    procedure.add_layer_return_value(
        "layer", "Layer", "The new layer", False, GObject.ParamFlags.READWRITE
    )


def read(config: Gimp.ProcedureConfig) -> Settings:
    """The arguments of this run."""
    return Settings(
        points=config.get_property("points") or "",
        path=config.get_property("path"),
        step_budget=config.get_property("step-budget") or None,
        profile=InversionProfile(config.get_property("profile")),
        model=config.get_property("model") or "default",
        seen=Seen(config.get_property("model-sees")),
    )


def remember(settings: Settings, config: Gimp.ProcedureConfig) -> None:
    """Have GIMP begin the next run with what the artist chose in the dialog."""
    config.set_property("profile", settings.profile.value)
    config.set_property("model-sees", settings.seen.value)


def _choice(names: dict[InversionProfile, str] | dict[Seen, str]) -> Gimp.Choice:
    choice = Gimp.Choice.new()
    for number, (value, name) in enumerate(names.items()):
        choice.add(value.value, number, name, "")
    return choice


def parse_points(text: str) -> tuple[PointPair, ...]:
    """Pairs from JSON text.

    Raises:
        ClientError: With the form that is expected.
    """
    try:
        rows = json.loads(text)
        return tuple(
            PointPair(Point(from_x, from_y), Point(to_x, to_y))
            for from_x, from_y, to_x, to_y in rows
        )
    # RecursionError: deeply nested brackets.
    except (ValueError, TypeError, RecursionError) as problem:
        raise ClientError(
            "The points are not a list of four numbers each.", f"Write {POINTS_FORM}."
        ) from problem
