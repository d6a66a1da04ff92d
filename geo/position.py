"""Whether a point can be meant as it stands: within a province, longitude first."""

from geo.bbox import Bbox
from ioc.errors import Invalid


def check_point(longitude: float, latitude: float, bounds: Bbox) -> None:
    """Raise `Invalid` with the cure where a point is swapped or does not lie in the bounds."""
    if bounds.contains(longitude, latitude):
        return
    if bounds.contains(latitude, longitude):
        raise Invalid(
            "longitude and latitude are swapped: longitude is the one between "
            f"{bounds.west:g} and {bounds.east:g}; send them the other way round"
        )
    raise Invalid(
        f"the place is outside of the province (longitude {bounds.west:g} to {bounds.east:g}, "
        f"latitude {bounds.south:g} to {bounds.north:g}); correct it or leave it out"
    )
