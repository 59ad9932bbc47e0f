"""What whoever prepares micrographs should look at: patches that cracks cost, conditions that are lost, odd levels."""

from collections.abc import Iterator, Mapping, Sequence

from alloygan.preparation.conditions import Condition, condition_of, condition_text, elsewhere
from alloygan.preparation.levels import MOST_CHANGE, GreyLevels
from alloygan.preparation.options import PrepareOptions
from alloygan.preparation.survey import Survey
from alloygan.preparation.written_micrograph import WrittenMicrograph

_MANY_BYTES = 4e9  # of training patches in memory
_MOST_NAMED = 5  # conditions in one line


def review_warnings(
    surveys: Sequence[Survey],
    written: Mapping[str, WrittenMicrograph],
    levels: Mapping[str, GreyLevels],
    options: PrepareOptions,
) -> tuple[str, ...]:
    """A line each; mappings are by the micrographs' names, without those that are left out."""
    said = [*_of_cracks(surveys), *_of_conditions(surveys, options)]
    for found in surveys:
        said.extend(_of_one(found, written.get(found.name), levels.get(found.name), options))
    said.extend(_of_memory(surveys, options))
    if options.contrast in ("match", "clahe"):
        said.extend(_of_equal_levels(list(levels.values()), options))
    return tuple(said)


def _of_cracks(surveys: Sequence[Survey]) -> Iterator[str]:
    cracked = [found for found in surveys if found.cracks.found]
    if not cracked:
        return
    # Where all of a micrograph is for evaluation, evaluation patches are what cracks can cost.
    costs = []
    for part, some in (
        ("training", [found for found in cracked if found.micrograph.trains]),
        ("evaluation", [found for found in cracked if not found.micrograph.trains]),
    ):
        before, after = sum(_before(found) for found in some), sum(_after(found) for found in some)
        if some:
            costs.append(f"{before - after} of their {before} {part} patches")
    yield (
        f"cracks in {len(cracked)} of {len(surveys)} micrographs: {' and '.join(costs)} are left out; look at the "
        "overlays"
    )


def _of_conditions(surveys: Sequence[Survey], options: PrepareOptions) -> Iterator[str]:
    kept: dict[Condition, list[Survey]] = {}
    for found in surveys:
        some = kept.setdefault(condition_of(found.micrograph), [])
        if found.split is not None:
            some.append(found)
    named = {condition_of(found.micrograph): condition_text(found.micrograph) for found in reversed(surveys)}
    for condition, some in kept.items():
        if not some:
            yield f"the condition {named[condition] or 'the only one'} has no micrograph left"
    micrographs = [found.micrograph for some in kept.values() for found in some]
    if elsewhere(micrographs, options.evaluation_fraction):
        yield (
            "no condition has both training and evaluation patches, which is for conditions that are values between "
            "others (table: false in the spec's data); for a table of conditions, name the columns that are conditions "
            "(--condition), or change the column evaluation"
        )
        return
    without = [named[condition] for condition, some in kept.items() if some and not any(map(_evaluation, some))]
    if options.evaluation_fraction > 0 and len(without) == sum(map(bool, kept.values())):
        yield (
            "there are no evaluation patches, so evaluation will use those of training, and does not tell memorising "
            "from learning; write all or a region in the column evaluation of some rows, or leave them empty"
        )
    elif options.evaluation_fraction > 0 and without:
        more = f" and {len(without) - _MOST_NAMED} more" if len(without) > _MOST_NAMED else ""
        yield f"no evaluation patches of: {'; '.join(without[:_MOST_NAMED])}{more}"


def _of_one(
    found: Survey, written: WrittenMicrograph | None, level: GreyLevels | None, options: PrepareOptions
) -> Iterator[str]:
    name = found.micrograph.file.name
    if found.left_out:
        yield f"{name}: left out: {found.left_out}"
    before, after = _before(found), _after(found)
    if found.split is not None and found.cracks.found and after < before / 2:
        part = "training" if found.micrograph.trains else "evaluation"
        yield (
            f"{name}: cracks leave {after} of {before} {part} patches; if they are none, say so in the manifest's "
            "column cracks"
        )
    if written is not None and written.flat:
        yield f"{name}: {written.flat} evaluation patches have one grey level; give a roi, or a region for evaluation"
    if found.cracks.note:
        yield f"{name}: {found.cracks.note}"
    if found.factor < 1:
        yield f"{name}: enlarged {1 / found.factor:.2f} times; there is less detail in it than in the others"
    if options.contrast in ("none", "quantile") and level is not None and abs(level.change) > MOST_CHANGE:
        yield (
            f"{name}: the bright area fraction is {level.fraction_before:.2f} before (by its own grey level) and "
            f"{level.fraction_after:.2f} after (by one level for all); look whether its phases still have the same "
            "grey levels as those of the others"
        )


def _of_memory(surveys: Sequence[Survey], options: PrepareOptions) -> Iterator[str]:
    count = sum(found.split.counts[0] for found in surveys if found.split is not None)
    held = count * options.patch[0] * options.patch[1]
    if held > _MANY_BYTES:
        yield (
            f"{count:,} training patches take {held / 1e9:.0f} GB of memory in training; a larger stride makes fewer, "
            "with hardly less information"
        )


def _of_equal_levels(levels: Sequence[GreyLevels], options: PrepareOptions) -> Iterator[str]:
    """Whether equalising histograms has changed area fractions, or made them alike."""
    before, after = [one.fraction_before for one in levels], [one.fraction_after for one in levels]
    spread = max(before) - min(before)
    if max(abs(one.change) for one in levels) <= MOST_CHANGE and not (spread > 0.05 > 2 * (max(after) - min(after))):
        return
    yield (
        f"contrast: {options.contrast} makes the grey levels of all micrographs alike, and with them the area "
        f"fractions: the bright part is {min(before):.2f} to {max(before):.2f} before (by each micrograph's own grey "
        f"level) and {min(after):.2f} to {max(after):.2f} after (by one level for all); if area fractions matter, use "
        "quantile"
    )


def _before(found: Survey) -> int:
    """Patches without what is left out for cracks: those of training, or of evaluation where there are no others."""
    return found.patches_before[0 if found.micrograph.trains else 1]


def _after(found: Survey) -> int:
    """The same patches as they are."""
    return found.split.counts[0 if found.micrograph.trains else 1] if found.split is not None else 0


def _evaluation(found: Survey) -> int:
    return found.split.counts[1] if found.split is not None else 0
