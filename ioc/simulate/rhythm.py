"""Two times: the one on the clock, and the faster one in which the province lives."""

from dataclasses import dataclass

import numpy as np

from ioc.simulate.noise import Ticks


@dataclass(frozen=True, slots=True)
class Rhythm:
    """From `start` on the province lives `rate` times as fast as the clock."""

    start: int
    rate: float = 1.0

    def lived(self, clock: Ticks) -> Ticks:
        """Where the province is when the clock shows those seconds."""
        after = np.clip(clock - self.start, 0, None)
        return np.minimum(clock, self.start) + np.round(after * self.rate).astype(np.int64)

    def lived_at(self, clock: int) -> int:
        """Where the province is when the clock shows that second."""
        return int(self.lived(np.array([clock], np.int64))[0])

    def shown(self, lived: int) -> int:
        """What the clock shows when the province is there."""
        if lived <= self.start:
            return lived
        return self.start + round((lived - self.start) / self.rate)
