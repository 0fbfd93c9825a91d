"""What benchmarks measure: ratios against peers and floors, and growth with rows, as figures that a page can show."""

import numpy as np

RATIO, GROWTH, FIGURE = "ratio", "growth", "figure"


class Measured:
    """Notes figures of one benchmark, and prints them."""

    def __init__(self, node):
        self._noted = node.user_properties

    def ratio(self, what, ours, peers, *, least=None, most=None, unit="s"):
        """Note costs beside those of peers (or of a floor, with `most`), and return the ratios.

        Parameters
        ----------
        what : str
            Of the task.
        ours : float
            Our cost.
        peers : dict of str to float
            Theirs, by name.
        least : float, optional
            How many times ours theirs has to be at least, of the first peer.
        most : float, optional
            How many times theirs ours may be at most, where the peer is a floor.
        unit : str
            Of costs.
        """
        for k, (name, theirs) in enumerate(peers.items()):
            bound = {"least": least if k == 0 else None, "most": most if k == 0 else None}
            self._noted.append((RATIO, {"what": what, "ours": float(ours), "peer": name, "theirs": float(theirs), "unit": unit, **bound}))  # fmt: skip
            print(f"{what}: {ours:.3g} {unit}, {name} {theirs:.3g} {unit}: {theirs / ours:.2f} x")
        return {name: theirs / ours for name, theirs in peers.items()}

    def growth(self, what, sizes, costs, *, most=None, unit="s of CPU"):
        """Note costs by size, and return the exponent of the power that is fitted to them."""
        exponent = float(np.polyfit(np.log(sizes), np.log(costs), 1)[0])
        self._noted.append((GROWTH, {"what": what, "sizes": [float(n) for n in sizes], "costs": [float(c) for c in costs], "exponent": exponent, "most": most, "unit": unit}))  # fmt: skip
        print(f"{what}: grows as rows^{exponent:.3f}")
        return exponent

    def figure(self, what, value, unit, *, most=None, least=None):
        """Note one figure."""
        self._noted.append((FIGURE, {"what": what, "value": float(value), "unit": unit, "most": most, "least": least}))
        print(f"{what}: {value:.4g} {unit}")
