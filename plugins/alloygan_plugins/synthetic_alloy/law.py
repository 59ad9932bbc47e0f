"""What is true of the synthetic alloy at a temperature and a strain rate. Imports no numpy.

The law is made up. Its trends are those that section 2 and A.5 of Jain et al. tell of CoCrFeNiTa0.395 after 50 %
compression; its numbers are not measured on any alloy. With the temperature T in °C and the strain rate e in 1/s,

    u = (T - 800) / 300                     0 at 800 °C, 1 at 1100 °C
    h = 1 / (1 + 0.01 / e)                  share of fast deformation: logistic in log10 e, 0.09 at 0.001, 0.91 at 0.1
    B = h exp(-((T - 900) / 50)^2)          a bump at 900 °C and high rates
    o = 1 / (1 + exp(-(T - 1000) / 40))     loss of order sets in around 1000 °C

everything is a smooth function of u, h, B and o; the README has the formulas side by side.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass

from alloygan.errors import DataError

TEMPERATURES = (600.0, 1200.0)
"""Lowest and highest temperature of the law in °C."""

STRAIN_RATES = (1e-5, 10.0)
"""Lowest and highest strain rate of the law in 1/s."""

ORIENTATION_SPREAD = 10.0
"""Standard deviation in degrees of the long axes of deformed grains about the perpendicular to the compression."""


@dataclass(frozen=True)
class Population:
    """Grains of one sort.

    `share` of all grains by number. `diameter`: mean equivalent diameter in µm, and `diameter_cv` its coefficient of
    variation; diameters are lognormal. The aspect ratio is 1 + (aspect_median - 1) exp(aspect_spread z), z standard
    normal: at least 1, with this median. `aligned`: the long axes lie about the perpendicular to the compression
    (normally distributed, `ORIENTATION_SPREAD`); otherwise every direction is as likely.
    """

    share: float
    diameter: float
    diameter_cv: float
    aspect_median: float
    aspect_spread: float
    aligned: bool

    @property
    def diameter_sigma(self) -> float:
        """Standard deviation of the logarithm of the diameter."""
        return math.sqrt(math.log1p(self.diameter_cv**2))

    @property
    def diameter_median(self) -> float:
        """In µm."""
        return self.diameter * math.exp(-(self.diameter_sigma**2) / 2)

    @property
    def area(self) -> float:
        """Mean area of a grain in µm²."""
        return math.pi / 4 * self.diameter**2 * (1 + self.diameter_cv**2)

    @property
    def aspect_ratio(self) -> float:
        """Mean aspect ratio."""
        return 1 + (self.aspect_median - 1) * math.exp(self.aspect_spread**2 / 2)

    @property
    def alignment(self) -> float:
        """Mean of cos 2a, a the angle of the long axis from the perpendicular to the compression."""
        return math.exp(-2 * math.radians(ORIENTATION_SPREAD) ** 2) if self.aligned else 0.0


@dataclass(frozen=True)
class Truth:
    """What is true of the alloy at one condition.

    Attributes:
        temperature: in °C.
        strain_rate: in 1/s.
        deformed: grains of the primary phase that the compression has elongated.
        unaffected: those that it has left nearly round.
        area_fraction: of the primary phase.
        lamellar_spacing: period of the lamellae in µm.
        lamellar_order: share of the eutectic's variation that is lamellar; 1: perfect lamellae, 0: globular.
        colony_size: root of the mean area of a eutectic colony in µm.
        cracks: microcracks per mm².
    """

    temperature: float
    strain_rate: float
    deformed: Population
    unaffected: Population
    area_fraction: float
    lamellar_spacing: float
    lamellar_order: float
    colony_size: float
    cracks: float

    @property
    def populations(self) -> tuple[Population, Population]:
        """Both sorts of grains; their shares sum to 1."""
        return self.deformed, self.unaffected

    @property
    def mean_diameter(self) -> float:
        """Mean equivalent diameter of a grain in µm, by number."""
        return sum(one.share * one.diameter for one in self.populations)

    @property
    def mean_area(self) -> float:
        """Mean area of a grain in µm²."""
        return sum(one.share * one.area for one in self.populations)

    @property
    def diameter_cv(self) -> float:
        """Coefficient of variation of the equivalent diameter over all grains."""
        return math.sqrt(self.mean_area * 4 / math.pi / self.mean_diameter**2 - 1)

    @property
    def mean_aspect_ratio(self) -> float:
        """Mean aspect ratio of a grain, by number."""
        return sum(one.share * one.aspect_ratio for one in self.populations)

    @property
    def number_density(self) -> float:
        """Grains per µm²."""
        return self.area_fraction / self.mean_area

    @property
    def alignment(self) -> float:
        """Mean of cos 2a over the grains, a as in `Population.alignment`; 1: all perpendicular to the compression."""
        return sum(one.share * one.alignment for one in self.populations)

    def diameter_cdf(self, diameters: Iterable[float]) -> list[float]:
        """Share of the grains whose equivalent diameter is at most each of these, in µm."""
        return [
            sum(
                one.share * _normal_cdf(math.log(d / one.diameter_median) / one.diameter_sigma)
                for one in self.populations
            )
            if d > 0
            else 0.0
            for d in diameters
        ]

    def aspect_ratio_cdf(self, aspect_ratios: Iterable[float]) -> list[float]:
        """Share of the grains whose aspect ratio is at most each of these."""
        return [
            sum(
                one.share * _normal_cdf(math.log((r - 1) / (one.aspect_median - 1)) / one.aspect_spread)
                for one in self.populations
            )
            if r > 1
            else 0.0
            for r in aspect_ratios
        ]


def truth_at(temperature: float, strain_rate: float) -> Truth:
    """The truth at a temperature in °C and a strain rate in 1/s. Raises DataError outside the law's range."""
    for name, value, unit, (low, high) in (
        ("temperature", temperature, "°C", TEMPERATURES),
        ("strain_rate", strain_rate, "1/s", STRAIN_RATES),
    ):
        if not low <= value <= high:
            raise DataError(
                f"{name}: {value:g} {unit} is outside the law of the synthetic alloy; give a value from {low:g} to "
                f"{high:g} {unit}"
            )
    u = (temperature - 800) / 300
    h = 1 / (1 + 0.01 / strain_rate)
    bump = h * math.exp(-(((temperature - 900) / 50) ** 2))
    loss = 1 / (1 + math.exp(-(temperature - 1000) / 40))

    diameter = 6.6 * math.exp(0.5 * u * (1 - 0.8 * h) - 0.15 * h)
    diameter_cv = 0.28 + 0.05 * u * (1 - h)
    share = 0.02 + 0.55 * bump
    return Truth(
        temperature=float(temperature),
        strain_rate=float(strain_rate),
        deformed=Population(
            share=1 - share,
            diameter=diameter * (1 + 0.15 * bump),
            diameter_cv=diameter_cv,
            aspect_median=1 + 0.8 * math.exp(-0.8 * u + 0.35 * h) * (1 + 1.2 * bump),
            aspect_spread=0.3,
            aligned=True,
        ),
        unaffected=Population(
            share=share,
            diameter=diameter * (1 - 0.25 * bump),
            diameter_cv=diameter_cv,
            aspect_median=1.2,
            aspect_spread=0.4,
            aligned=False,
        ),
        area_fraction=0.28 - 0.05 * u,
        lamellar_spacing=2.2 * math.exp(u * (0.6 - 0.15 * h)),
        lamellar_order=1 - 0.95 * loss * (1 - h),
        colony_size=24 * math.exp(0.4 * u * (1 - h)),
        cracks=30 * h * math.exp(-5 * u),
    )


def _normal_cdf(z: float) -> float:
    return 0.5 * math.erfc(-z / math.sqrt(2))
