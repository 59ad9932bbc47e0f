"""Whether the parts of a spec fit together: what each needs against what the others give, before anything is built."""

from collections.abc import Iterator

from alloygan.errors import AlloyganError
from alloygan.specs.components import ComponentSpec
from alloygan.specs.gan import GanSpec

ASKED_OF_THE_LOOP = frozenset({"real_in_generator_step", "second_order"})

Problem = tuple[tuple[str, ...], str]


def wiring_problems(spec: GanSpec) -> list[Problem]:
    """Every mismatch as (key path, message). Reads the data set's manifest where it has one, but no image."""
    problems: list[Problem] = []
    data = spec.data
    try:
        columns = data.columns(spec.conditions)
    except (AlloyganError, ValueError) as error:
        return [(("conditions",) if spec.conditions else ("data",), str(error))]
    shape = data.image_shape
    names = ", ".join(column.name for column in columns)
    without_label = None
    if "label" not in data.gives:
        without_label = f"the data set {data.kind!r} as given here has continuous conditions only ({names})"
    elif "label" not in spec.training.sampler.gives:
        without_label = f"the sampler {spec.training.sampler.kind!r} asks for conditions off the table"
    for path, part in _parts(spec):
        if "label" in part.needs and without_label is not None:
            text = (
                f"{part.kind} needs an id in a table of conditions (label), but {without_label}. Use a kind that takes "
                "continuous values, such as the conditioner continuous_mlp or the loss proportional_2c."
            )
            problems.append((path, text))
    for name, loss in spec.losses.items():
        missing = sorted(loss.needs - {"label"} - ASKED_OF_THE_LOOP - spec.critic.gives)
        if missing:
            gives = ", ".join(sorted(spec.critic.gives)) or "only a score"
            text = (
                f"the loss {loss.kind!r} needs {', '.join(missing)}, which the critic {spec.critic.kind!r} does not "
                f"give (it gives: {gives}). Choose another critic, or remove the term with `losses.{name}: null`."
            )
            problems.append((("losses", name), text))
        if spec.training.compile == "step" and "second_order" in loss.needs:
            text = (
                f"the loss {loss.kind!r} takes a gradient inside of the step (second_order), which torch.compile "
                "cannot differentiate again; use training.compile: nets, which leaves such passes as they are"
            )
            problems.append((("training", "compile"), text))
    for path, sized in (
        (("generator",), spec.generator),
        (("critic",), spec.critic),
        (("training", "augment"), spec.training.augment),
    ):
        problem = sized.size_problem(shape)
        if problem:
            problems.append((path, f"{sized.kind}: {problem}"))
    return problems


def _parts(spec: GanSpec) -> Iterator[tuple[tuple[str, ...], ComponentSpec]]:
    yield from _nested(("generator",), spec.generator)
    yield from _nested(("critic",), spec.critic)
    for name, loss in spec.losses.items():
        yield from _nested(("losses", name), loss)
    yield from _nested(("training", "sampler"), spec.training.sampler)


def _nested(path: tuple[str, ...], part: ComponentSpec) -> Iterator[tuple[tuple[str, ...], ComponentSpec]]:
    yield path, part
    for name in type(part).model_fields:
        inner = getattr(part, name)
        if isinstance(inner, ComponentSpec):
            yield from _nested((*path, name), inner)
