"""How a GAN is trained. Defaults are the paper's Table 3 and appendix A.3 where it says something."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from alloygan.specs.components import AugmenterSpec, SamplerSpec
from alloygan.specs.from_registry import From
from alloygan.specs.optimizers import SGD, OptimizerField, RMSprop
from alloygan.specs.spec import Spec

Precision = Literal["fp32", "tf32", "bf16", "fp64"]


class TrainingSpec(Spec):
    """The training loop's settings. Progress counts real images drawn for the critic."""

    epochs: float | None = Field(
        None,
        gt=0,
        description="Length in epochs; an epoch is as many real images as there are training patches.",
    )
    images: int | None = Field(None, gt=0, le=10**12, description="Length in real images, in place of epochs.")
    batch_size: int = Field(128, ge=1, le=1_000_000, description="Images of a batch, over all processes.")
    critic_updates: int = Field(4, ge=1, description="Critic updates for one generator update, each on a fresh batch.")
    optimizer: OptimizerField = Field(RMSprop(), description="Optimiser of both networks.")
    critic_optimizer: OptimizerField | None = Field(
        None, description="Another optimiser for the critic and the losses' own parameters."
    )
    lr_schedule: Literal["constant", "linear", "cosine"] = Field(
        "constant", description="How the learning rates end: constant, or down to 0 linearly or by a cosine."
    )
    decay_from: float = Field(
        0.0, ge=0, lt=1, description="Share of the training after which the learning rates begin to fall."
    )
    ema: float = Field(
        0.999,
        ge=0,
        lt=1,
        description="Decay of the generator's moving average per generator update; 0 for none.",
    )
    sampler: Annotated[SamplerSpec, From("sampler")] = Field("uniform", description="How batches are drawn.")  # type: ignore[assignment]
    augment: Annotated[AugmenterSpec, From("augmenter")] = Field(  # type: ignore[assignment]
        "flips",
        description="Random map of the images; compression has an axis, which flips keep and d4 does not.",
    )
    seed: int = Field(0, ge=0, lt=2**31, description="Seed of everything random in the training.")
    device: Literal["auto", "cpu", "cuda"] = Field("auto", description="Where to train; auto takes CUDA if present.")
    precision: Precision = Field(
        "fp32",
        description="Arithmetic of the networks. fp32: IEEE float32, reproducible to the bit; tf32: products of "
        "float32 matrices with 10 bits of mantissa, on GPUs that have it; bf16: convolutions and products in bfloat16, "
        "weights, losses and optimisers in float32; fp64: float64, to check the others against.",
    )
    compile: Literal["off", "nets", "step"] = Field(
        "off",
        description="torch.compile. nets: generator and critic, each with its gradient; step: besides, whatever lies "
        "between them and the terms of the losses. Sums are taken in another order then. Extra passes through the "
        "critic inside of a loss (penalties) are not compiled.",
    )
    cuda_graph: bool = Field(
        False,
        description="Capture the whole update in a CUDA graph and replay it: the same bits, without Python's time "
        "between the operations. For one process on a GPU.",
    )
    channels_last: bool = Field(
        False, description="Keep images and kernels with channels last in memory, which some convolutions prefer."
    )
    synchronise_batch_norm: bool = Field(
        False,
        description="Batch statistics over all processes that share a batch, as in one process; otherwise each process "
        "has those of its own images.",
    )
    log_every: int = Field(2048, ge=1, description="Real images between two lines of metrics.jsonl.")
    checkpoint_every: int | None = Field(
        None, ge=1, description="Real images between two checkpoints; by default a twentieth of the length."
    )
    keep_checkpoints: int = Field(2, ge=1, description="How many of the newest checkpoints are kept.")

    @model_validator(mode="after")
    def _one_length(self) -> Self:
        if (self.epochs is None) == (self.images is None):
            raise ValueError(
                "give the length as either epochs or images; null removes the other: --set training.images=null"
            )
        for optimizer in (self.optimizer, self.critic_optimizer):
            if isinstance(optimizer, SGD) and optimizer.nesterov and optimizer.momentum == 0:
                raise ValueError("nesterov needs momentum above 0")
        if self.device == "cpu":
            if self.cuda_graph:
                raise ValueError("cuda_graph: true needs a GPU; with device: cpu use cuda_graph: false")
            if self.precision == "tf32":
                raise ValueError("precision: tf32 is of GPUs; with device: cpu use fp32 or bf16")
        return self
