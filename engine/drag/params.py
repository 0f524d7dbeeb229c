"""Every radius, weight and rate of the drag, with its unit, its default and where that comes from.

Lengths are in feature px, the pixels of the map that is supervised. The paper states them in px of
a 512 px image whose supervised map has 128 px, so its figures are divided by four here; they then
mean the same for a generator of any size.
"""

from dataclasses import dataclass

SLOPE_PX = 0.25
"""Half the distance at which a slope of the features is read, feature px: the grid's spacing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DragParams:
    """How a drag is done.

    Attributes:
        step_length: way that one step asks of a handle, feature px, and never more than the way
            left. The paper asks for 1 px at 512 (Pan et al. 2023, 3.2: a unit vector), a quarter of
            ours: its gradient says no more than the direction. With 1.5 and 2 a third fewer steps
            went a little farther astray on the practice model.
        supervision_radius: r1, feature px; 3 px at 512 (ibid.).
        tracking_radius: r2, feature px; 12 px at 512 (ibid., 3.3).
        sample_spacing: of both grids, feature px; 1 px at 512, the grid of the paper's code.
        damping: how much a standard deviation of w weighs against the way of a handle, as a share
            of what it moves the handles. Ours; 0.01 and 0.1 did no better.
        longest_step: of w, in its standard deviations: how far the derivative is trusted. Ours.
        change_weight: kappa: what any change of the picture costs, in multiples of what a standard
            deviation of w does; 0: nothing. Ours (docs/method.md).
        mask_weight: lambda: what a change of the protected part costs beside that. Ours, likewise.
        priced_directions: of w, the widest, along which these prices are known beforehand. Ours.
        tolerance: a handle this near to its target has arrived, feature px; 1-2 px at 512.
        step_budget: most steps. The paper's evaluation allows 300 of its own.
        stall_steps: end when the distance has not fallen by a hundredth in so many steps. Ours.
    """

    step_length: float = 1.0
    supervision_radius: float = 0.75
    tracking_radius: float = 3.0
    sample_spacing: float = 0.25
    damping: float = 0.05
    longest_step: float = 1.5
    change_weight: float = 20.0
    mask_weight: float = 400.0
    priced_directions: int = 32
    tolerance: float = 0.25
    step_budget: int = 100
    stall_steps: int = 6

    def __post_init__(self) -> None:
        for name in self.__slots__:
            value, is_price = getattr(self, name), name in ("change_weight", "mask_weight")
            if is_price and not value >= 0:
                raise ValueError(f"{name} must not be below 0, got {value}")
            if not is_price and not value > 0:
                raise ValueError(f"{name} must be above 0, got {value}")

    @property
    def reach(self) -> float:
        """How far a step reads features from where a handle was, feature px: it may be found
        anywhere in r2 and a place of the grid beside it, and the slopes of the disc around it are
        read."""
        return self.tracking_radius + self.sample_spacing + self.supervision_radius + SLOPE_PX
