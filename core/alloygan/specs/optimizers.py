"""The optimisers: torch's own, by the names of the literature. Learning-rate schedules count images."""

from typing import Annotated, Literal

from pydantic import Field

from alloygan.specs.from_registry import OneOf
from alloygan.specs.spec import Spec

Beta = Annotated[float, Field(ge=0, lt=1)]


class OptimizerSpec(Spec):
    """What every optimiser has."""

    kind: str = Field(description="Name of the optimiser.")
    lr: float = Field(0.0002, gt=0, description="Learning rate (Table 3 of the paper: 0.0002).")
    weight_decay: float = Field(0.0, ge=0, description="Weight decay.")


class RMSprop(OptimizerSpec):
    """RMSProp, torch.optim.RMSprop: the paper's choice."""

    kind: Literal["rmsprop"] = "rmsprop"
    alpha: Beta = Field(0.99, description="Smoothing constant of the squared gradient.")
    eps: float = Field(1e-8, gt=0, description="Added to the denominator.")
    momentum: float = Field(0.0, ge=0, lt=1, description="Momentum factor.")


class Adam(OptimizerSpec):
    """Adam, torch.optim.Adam."""

    kind: Literal["adam"] = "adam"
    betas: tuple[Beta, Beta] = Field((0.0, 0.99), description="Decay of the running mean and of the running square.")
    eps: float = Field(1e-8, gt=0, description="Added to the denominator.")


class AdamW(OptimizerSpec):
    """Adam with decoupled weight decay, torch.optim.AdamW."""

    kind: Literal["adamw"] = "adamw"
    betas: tuple[Beta, Beta] = Field((0.0, 0.99), description="Decay of the running mean and of the running square.")
    eps: float = Field(1e-8, gt=0, description="Added to the denominator.")
    weight_decay: float = Field(0.01, ge=0, description="Weight decay, decoupled from the gradient.")


class SGD(OptimizerSpec):
    """Stochastic gradient descent, torch.optim.SGD."""

    kind: Literal["sgd"] = "sgd"
    momentum: float = Field(0.0, ge=0, lt=1, description="Momentum factor.")
    nesterov: bool = Field(False, description="Nesterov momentum (needs momentum above 0).")


OptimizerField = Annotated[OptimizerSpec, OneOf("optimizer", RMSprop, Adam, AdamW, SGD)]
