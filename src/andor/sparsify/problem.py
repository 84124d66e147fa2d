"""What is solved: the sparsest AND-OR interactions of one or several models that explain the same values."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Literal, get_args
from zlib import crc32

import numpy as np

from andor.errors import UserError
from andor.game.coalitions import number_of_players
from andor.game.transforms import and_transform, or_transform

KindOfMethod = Literal["original", "traditional", "generalizable"]
Learned = Literal["none", "gamma", "gamma_epsilon"]
Standard = Literal["none", "value", "centred_value", "full", "range", "max", "max_centred", "mean_range"]


@dataclass(frozen=True, eq=False)
class Problem:
    """Values of B samples under m models, and what may be done to them.

    The values of model i are split as v_and = ½(v + ε) + γ and v_or = ½(v + ε) − γ, with |ε| ≤ κ and
    γ = γ̄ + γ̂, where γ̄ is common to the models and |γ̂| ≤ τ. The split minimises, over both kinds and all coalitions S,

    - *generalizable* (Chen et al., ICLR 2024, Eq 6; Eq 5 with `alpha` 0): Σ_S [max_i |I_i(S)| + α Σ_i |I_i(S)|];
    - *traditional* (Eq 4): Σ_S |I_i(S)|, each model for itself, with γ free;
    - *original*: nothing; all is AND.

    Parameters
    ----------
    values : float, shape (B, m, 2^n) or (m, 2^n)
        Indexed by the coalition's bit mask.
    method : original, traditional or generalizable
    alpha : weight of the sum against the maximum, `inf` for the sum alone; the authors' `a` is α/(1 + α)
    learn : none (γ = ε = 0: half to each kind), gamma (ε = 0), or gamma_epsilon
    kappa : bound of |ε|, shape (m,), (B, m) or (B, m, 2^n); `kappa_bounds(values)` if None
    tau : bound of |γ̂|, shape (m,) or (B, m); infinite entries and None leave γ̂ free
    weakest : fraction of the 2·2^n interactions, the weakest at γ = ε = 0, that the sum over S takes in; 1 is all

    Raises
    ------
    UserError
        If a shape, a number or a name makes no sense.
    """

    values: np.ndarray
    method: KindOfMethod = "generalizable"
    alpha: float = 1 / 9
    learn: Learned = "gamma_epsilon"
    kappa: np.ndarray | None = None
    tau: np.ndarray | None = None
    weakest: float = 1.0

    def __post_init__(self) -> None:
        for name, value, choices in (("method", self.method, KindOfMethod), ("learn", self.learn, Learned)):
            if value not in get_args(choices):
                raise UserError(f"{name} is `{value}`; choose one of {', '.join(get_args(choices))}")
        if not self.alpha >= 0:
            raise UserError(f"alpha is {self.alpha}; give a number from 0 to inf")
        if not 0 < self.weakest <= 1:
            raise UserError(f"weakest is {self.weakest}; give a fraction above 0 and at most 1")
        values = check_values(self.values)
        batch, models, size = values.shape
        kappa = kappa_bounds(values) if self.kappa is None else _bound("kappa", self.kappa, values)
        tau = np.full((batch, models), np.inf) if self.tau is None else _bound("tau", self.tau, values)
        if kappa.shape not in ((batch, models), (batch, models, size)):
            raise UserError(f"kappa has shape {np.shape(self.kappa)}; give ({models},) or ({batch}, {models})")
        if tau.shape != (batch, models):
            raise UserError(f"tau has shape {np.shape(self.tau)}; give ({models},) or ({batch}, {models})")
        if np.isinf(kappa).any():
            raise UserError("kappa is infinite; give a finite bound, or every interaction is 0")
        if self.learn != "gamma_epsilon" or self.method == "original":
            kappa = np.zeros_like(kappa)
        if self.method != "generalizable":
            tau = np.full_like(tau, np.inf)
        object.__setattr__(self, "values", values)
        object.__setattr__(self, "kappa", kappa.reshape(batch, models, -1))
        object.__setattr__(self, "tau", tau)

    @property
    def players(self) -> int:
        """n."""
        return number_of_players(self.values.shape[-1])

    @property
    def is_closed_form(self) -> bool:
        """Whether nothing is learned."""
        return self.method == "original" or self.learn == "none"

    @property
    def weights(self) -> tuple[float, float]:
        """Weights of the maximum and of the sum over models."""
        if self.method != "generalizable" or np.isinf(self.alpha):
            return 0.0, 1.0
        return 1.0, self.alpha

    @cached_property
    def counted(self) -> np.ndarray | None:
        """Which interactions the objective counts, bool, shape (2, B, 1, 2^n), AND first; None if all."""
        if self.weakest == 1:
            return None
        half = 0.5 * self.values
        cost = self._costs(np.stack((and_transform(half), or_transform(half))))
        cost = np.moveaxis(cost, 0, 1).reshape(len(half), -1)
        ranks = cost.argsort(axis=1, kind="stable").argsort(axis=1)
        chosen = ranks < int(self.weakest * cost.shape[1])
        return np.moveaxis(chosen.reshape(len(half), 2, -1), 1, 0)[:, :, None]

    def objective(self, i_and: np.ndarray, i_or: np.ndarray) -> np.ndarray:
        """Objective of interactions of shape (B, m, 2^n), in the paper's form: shape (B,)."""
        interactions = np.stack((i_and, i_or))
        if self.counted is not None:
            interactions = interactions * self.counted
        return self._costs(interactions).sum((0, 2))

    def _costs(self, interactions: np.ndarray) -> np.ndarray:
        of_max, of_sum = self.weights
        strength = np.abs(interactions)
        return of_max * strength.max(2) + of_sum * strength.sum(2)

    def per_model(self) -> Problem:
        """The same with every model of every sample as a sample of its own, for methods that treat models apart."""
        size = self.values.shape[-1]
        return Problem(
            self.values.reshape(-1, 1, size),
            method=self.method,
            alpha=self.alpha,
            learn=self.learn,
            kappa=np.broadcast_to(self.kappa, self.values.shape).reshape(-1, 1, size),
            weakest=self.weakest,
        )


def check_values(values: np.ndarray) -> np.ndarray:
    """Values as float64 of shape (B, m, 2^n).

    Raises
    ------
    UserError
        If the shape is another one, or a number is not finite.
    """
    values = np.asarray(values)
    if values.dtype.kind not in "fiu":
        raise UserError(f"values are of type {values.dtype}; give real numbers")
    if values.ndim == 2:
        values = values[None]
    if values.ndim != 3 or 0 in values.shape:
        raise UserError(f"values have shape {values.shape}; give (models, 2^n) or (samples, models, 2^n)")
    number_of_players(values.shape[-1])
    bad = np.argwhere(~np.isfinite(values))
    if len(bad):
        sample, model, coalition = bad[0]
        raise UserError(
            f"values hold {values[tuple(bad[0])]} at sample {sample}, model {model}, coalition {coalition}; "
            "give finite numbers"
        )
    return np.ascontiguousarray(values, dtype=np.float64)


def first_gamma(values: np.ndarray, seed: int | None) -> np.ndarray:
    """Start of the common part of γ: 0, or a draw from N(0, 1) (ICLR 2024, Table 2).

    The draw also depends on the values: samples or models that began at the same point would seem to share what they
    still have of it.

    Parameters
    ----------
    values : (B, m, 2^n)
    seed : of the draw; None for 0

    Returns
    -------
    float64, (B, 1, 2^n)
    """
    gamma = np.zeros((len(values), 1, values.shape[-1]))
    if seed is not None:
        for own, of_sample in zip(gamma, values, strict=True):
            own[:] = np.random.default_rng([seed, crc32(of_sample.tobytes())]).standard_normal(own.shape)
    return gamma


def kappa_bounds(values: np.ndarray, standard: Standard = "range", factor: float = 0.02) -> np.ndarray:
    """Bound κ of the output noise: factor times a standard of the values.

    Parameters
    ----------
    values : shape (B, m, 2^n) or (m, 2^n)
    standard : none is 1; value |v(S)|; centred_value |v(S) − v(∅)|; full |v(N)|; range |v(N) − v(∅)|;
        max max_S |v(S)|; max_centred max_S |v(S) − v(∅)|; mean_range the mean of |v(N) − v(∅)| over the samples.
    factor : 0.02 in the paper, 0.04 in Li & Zhang, ICML 2023

    Returns
    -------
    float64, shape (B, m, 2^n) for the standards value and centred_value, (B, m) for the others
    """
    v = check_values(values)
    if not 0 <= factor < np.inf:
        raise UserError(f"the factor of kappa is {factor}; give a finite number from 0")
    if standard not in get_args(Standard):
        raise UserError(f"standard of kappa is `{standard}`; choose one of {', '.join(get_args(Standard))}")
    centred = v - v[..., :1]
    ranges = np.abs(centred[..., -1])
    bounds = {
        "none": lambda: np.ones_like(ranges),
        "value": lambda: np.abs(v),
        "centred_value": lambda: np.abs(centred),
        "full": lambda: np.abs(v[..., -1]),
        "range": lambda: ranges,
        "max": lambda: np.abs(v).max(-1),
        "max_centred": lambda: np.abs(centred).max(-1),
        "mean_range": lambda: np.broadcast_to(ranges.mean(0), ranges.shape),
    }
    return factor * bounds[standard]()  # a new array, also where the standard is a view of the values


def tau_bounds(values: np.ndarray, factor: float = 0.5) -> np.ndarray:
    """Bound τ of each model's own part of γ: factor times the mean of |v(N) − v(∅)| over the samples, shape (B, m)."""
    if not factor >= 0:
        raise UserError(f"the factor of tau is {factor}; give a number from 0, or inf to leave γ free")
    if np.isinf(factor):
        return np.full(check_values(values).shape[:2], np.inf)
    return kappa_bounds(values, "mean_range", factor)


def _bound(name: str, bound: np.ndarray, values: np.ndarray) -> np.ndarray:
    bound = np.asarray(bound, dtype=np.float64)
    if not (bound >= 0).all():
        raise UserError(f"{name} holds {bound[~(bound >= 0)].flat[0]}; give bounds from 0")
    return np.array(np.broadcast_to(bound, (len(values), *bound.shape)) if bound.ndim == 1 else bound)
