"""Every radius, weight and rate of the drag, with its unit, its default and where that comes from.

Lengths are in feature px, the pixels of the map that is supervised. The paper states them in px of
a 512 px image whose supervised map has 128 px, so its figures are divided by four here; they then
mean the same for a generator of any size.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class DragParams:
    """How a drag is done.

    Attributes:
        step_length: way that one step asks of a handle, feature px; 1 px at 512 (Pan et al. 2023,
            3.2: a unit vector). Never more than the way left.
        supervision_radius: r1, feature px; 3 px at 512 (ibid.).
        tracking_radius: r2, feature px; 12 px at 512 (ibid., 3.3).
        sample_spacing: of both grids, feature px; 1 px at 512, the grid of the paper's code.
        mask_weight: lambda; 20 in the paper, whose code averages over the whole map. Ours is the
            mean over what is protected, so that its pull does not depend on the size of the
            selection.
        holds_features: take the mask term on the features that are supervised, as the paper does;
            they are then computed whole in each step. Ours holds the map of the last layer whose
            style is dragged, of which all finer maps are made.
        pin_weight: of the term that holds a pin's disc to what it was; ours. Of 0, 0.3 and 1, with
            five pins on the practice model: 0.3 let the pins stray a third less than 0 and the
            handle came nearer in fewer steps; 1 held them better still and took half as many more.
        learning_rate: of Adam, in standard deviations of w. The paper: 2e-3 in w itself. Ours: of
            5, 10, 15 and 20e-3 the one that brought most of five handles to their targets on the
            practice model; it takes less than half of the steps of 5e-3.
        tolerance: a handle this near to its target has arrived, feature px; 1-2 px at 512.
        step_budget: most steps; 300, the cap of the paper's evaluation.
        stall_steps: end when the distance has not fallen by a hundredth in so many steps. Ours.
    """

    step_length: float = 0.25
    supervision_radius: float = 0.75
    tracking_radius: float = 3.0
    sample_spacing: float = 0.25
    mask_weight: float = 20.0
    holds_features: bool = False
    pin_weight: float = 0.3
    learning_rate: float = 1.5e-2
    tolerance: float = 0.25
    step_budget: int = 300
    stall_steps: int = 60

    def __post_init__(self) -> None:
        positive = (
            "step_length",
            "supervision_radius",
            "tracking_radius",
            "sample_spacing",
            "pin_weight",
            "learning_rate",
            "tolerance",
            "step_budget",
            "stall_steps",
        )
        for name in positive:
            if not getattr(self, name) > 0:
                raise ValueError(f"{name} must be above 0, got {getattr(self, name)}")
        if not self.mask_weight >= 0:
            raise ValueError(f"mask_weight must not be below 0, got {self.mask_weight}")

    @property
    def reach(self) -> float:
        """How far a step reads features from where a handle was, feature px: it may be found
        anywhere in r2, and is then pulled."""
        return self.tracking_radius + self.supervision_radius + self.step_length
