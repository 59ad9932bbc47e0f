"""A file for `alloygan tune` to a search: the spec that is varied, the hyperparameters, and the spec of each trial."""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from alloygan.errors import SpecError, nearest
from alloygan.evaluation.score_list import HELD_OUT, possible_scores
from alloygan.reading import Node, Position, document_of, lay_value, override, read_tree, tree_of
from alloygan.specs.components import ComparisonSpec
from alloygan.specs.gan import NOT_TRAINED_BY, GanSpec
from alloygan.specs.spec import Spec
from alloygan.sweeps.grid import run_key
from alloygan.sweeps.search_spec import ParameterSpec, SearchSpec
from alloygan.zoo import Zoo

KEY = "search"


class _File(Spec):
    search: SearchSpec


@dataclass(frozen=True)
class Search:
    """A search: `base` is the spec as it is, `parameters` by name with the dotted fields that each sets."""

    spec: SearchSpec
    base: GanSpec
    parameters: Mapping[str, ParameterSpec]
    zoo: Zoo

    @property
    def key(self) -> str:
        """A hash of what is searched: trials of one key belong together."""
        values = {
            "base": run_key(self.base),
            "evaluation": self.base.evaluation.model_dump(mode="json"),
            "parameters": {name: one.model_dump(mode="json") for name, one in self.parameters.items()},
            "objective": self.spec.objective,
            "looks": list(self.spec.looks),
        }
        return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()[:16]

    def trial(self, values: Mapping[str, Any]) -> GanSpec:
        """The spec with these values of the hyperparameters. Raises SpecError if it cannot be."""
        tree = tree_of(self.base.model_dump(mode="json"), Position(self.base.name))
        for name, value in values.items():
            for dotted in self.parameters[name].fields or (name,):
                where = Position(f"{dotted}={value}")
                lay_value(tree, tuple(dotted.split(".")), tree_of(value, where))
        return self.zoo.validate(document_of(tree))


def stored_search(values: Mapping[str, Any], zoo: Zoo) -> Search:
    """The search that `plain` has written."""
    parameters = {name: ParameterSpec(**one) for name, one in values["parameters"].items()}
    spec = SearchSpec.model_validate(values["search"], context=zoo.registries)
    return Search(spec, zoo.spec_from_values(values["base"]), parameters, zoo)


def plain(search: Search) -> dict[str, Any]:
    """A search as plain values, for JSON."""
    return {
        "base": search.base.model_dump(mode="json"),
        "search": search.spec.model_dump(mode="json"),
        "parameters": {name: one.model_dump(mode="json") for name, one in search.parameters.items()},
    }


def read_search(path: str | Path, zoo: Zoo, overrides: Sequence[str] = ()) -> Search:
    """Read a file for `alloygan tune`: a spec with `search`, or any spec, which gets the search of the paper.

    Raises SpecError, one line for each problem: what a spec file can have wrong; fields that cannot take both ends of
    their range; an objective that the evaluation does not have.
    """
    tree = read_tree(Path(path), (), zoo.shipped)
    own = tree.value.setdefault(KEY, Node({}, tree.position))
    if isinstance(own.value, dict):
        # Written out, so that its fields can be overridden.
        own.value.setdefault("launcher", Node("local", tree.position))
    for text in overrides:
        override(tree, text)
    own = tree.value.pop(KEY)
    document = document_of(Node({KEY: own}, own.position))
    search: SearchSpec = zoo.validate_as(_File, document).search
    base = zoo.validate(document_of(tree))
    parameters = search.parameters if search.parameters is not None else dict(_of_the_paper(base))
    if not parameters:
        raise SpecError(
            f"{path}: none of the fields that are searched by default is there (learning rate, clip, critic updates, "
            "leaky slope); name some under search.parameters"
        )
    found = Search(search, base, parameters, zoo)
    problems = [*_objective_problems(search, base, f"{document.locate((KEY, 'objective'))}: search.objective")]
    for name, parameter in parameters.items():
        where = document.locate((KEY, "parameters", name))
        problems += [f"{where}: search.parameters.{name}: {text}" for text in _range_problems(found, name, parameter)]
    problems += [f"{where}: search.parameters.{text}" for text in _field_problems(found)]
    if problems:
        raise SpecError("\n".join(problems))
    return found


def _of_the_paper(base: GanSpec) -> Iterator[tuple[str, ParameterSpec]]:
    """The hyperparameters of appendix A.3, as far as the spec has them; their ranges are around Table 3's values."""
    yield "training.optimizer.lr", ParameterSpec(low=1e-5, high=1e-2, log=True)
    if base.training.critic_optimizer is not None:
        yield "training.critic_optimizer.lr", ParameterSpec(low=1e-5, high=1e-2, log=True)
    for name, loss in base.losses.items():
        if getattr(loss, "clip", 0):
            yield f"losses.{name}.clip", ParameterSpec(low=1e-3, high=0.1, log=True)
    yield "training.critic_updates", ParameterSpec(low=1, high=6)
    sloped = [part for part in ("generator", "critic") if hasattr(getattr(base, part), "leaky_slope")]
    slopes = tuple(f"{part}.leaky_slope" for part in sloped)
    if slopes:
        yield "leaky_slope", ParameterSpec(fields=slopes, low=0.0, high=0.4)


def _field_problems(search: Search) -> Iterator[str]:
    """Fields that are set from elsewhere, do not change the training, or belong to two parameters."""
    owners: dict[str, str] = {}
    for name, parameter in search.parameters.items():
        for field in parameter.fields or (name,):
            if field == "training.seed":
                yield f"{name}: every trial has the spec's training.seed; search something else"
            elif field.split(".")[0] in NOT_TRAINED_BY:
                yield f"{name}: {field} does not change what is trained, so trials would differ by chance alone"
            elif (other := owners.setdefault(field, name)) != name:
                yield f"{name}: {field} is set by {other} too; one of the two would win"


def _range_problems(search: Search, name: str, parameter: ParameterSpec) -> Iterator[str]:
    for value in parameter.choices if parameter.choices is not None else (parameter.low, parameter.high):
        try:
            search.trial({name: value})
        except SpecError as error:
            yield f"the spec does not take {json.dumps(value)}: {error}"
            return


def _objective_problems(search: SearchSpec, base: GanSpec, where: str) -> Iterator[str]:
    known = _known_scores(base)
    if search.objective not in known and _comparison_of(search.objective, base) is None:
        near = nearest(search.objective, known, noun="Scores")
        yield f"{where}: the evaluation has no score {search.objective!r}.{near}"


def _known_scores(base: GanSpec) -> dict[str, bool]:
    return possible_scores(base.evaluation, [column.name for column in base.data.columns(base.conditions)])


def _comparison_of(objective: str, base: GanSpec) -> ComparisonSpec | None:
    """The comparison that gives a score; what else it gives is known when it is built, which may need weights."""
    kind = objective.removeprefix(HELD_OUT).split(".")[0]
    return next((one for one in base.evaluation.comparisons if one.kind == kind), None)


def higher_is_better(search: Search) -> bool:
    """Which way the objective is better. Raises DataError if it is of a comparison that is not installed, SpecError if
    that comparison has no such score.
    """
    comparison = _comparison_of(search.spec.objective, search.base)
    if comparison is None:
        return _known_scores(search.base)[search.spec.objective]
    scores = comparison.build().higher_is_better
    score = search.spec.objective.rpartition(".")[2]
    if score not in scores:
        near = nearest(score, scores, noun="Scores")
        raise SpecError(f"search.objective: {comparison.kind} has no score {score!r}.{near}")
    return scores[score]
