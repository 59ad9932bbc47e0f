"""Ablation files: the cells they mean, and what is told before anything runs."""

from collections.abc import Callable
from pathlib import Path

import pytest

from alloygan import Zoo
from alloygan.errors import SpecError
from alloygan.sweeps.grid import read_ablation

TWO_BY_TWO = """
vary:
  contrastive:
    with: {}
    without: {losses.contrastive: null}
  width:
    narrow: {}
    wide: {generator.width: 8, critic.width: 8}
"""

Write = Callable[[str], Path]


def problems(zoo: Zoo, path: Path) -> str:
    with pytest.raises(SpecError) as caught:
        read_ablation(path, zoo)
    return str(caught.value)


def test_the_grid_is_the_product_of_the_levels_for_every_seed(zoo: Zoo, write: Write) -> None:
    ablation = read_ablation(write(TWO_BY_TWO + "seeds: [3, 5]\n"), zoo)
    names = ["with, narrow", "with, wide", "without, narrow", "without, wide"]
    assert [cell.name for cell in ablation.cells] == names
    assert ablation.baseline == "with, narrow"
    last = ablation.cells[3]
    assert dict(last.levels) == {"contrastive": "without", "width": "wide"}
    assert last.changes == (
        "generator.width: 4 → 8",
        "critic.width: 4 → 8",
        "losses.contrastive: contragan_2c → none",
    )
    assert [run.spec.training.seed for run in last.runs] == [3, 5]
    assert list(last.runs[0].spec.losses) == ["adversarial"]
    assert [run.seed for run in ablation.runs] == [3] * 4 + [5] * 4, "every cell has a result early"
    assert len({run.key for run in ablation.runs}) == 8


def test_a_component_that_a_level_brings_in_is_shown_with_its_settings(zoo: Zoo, write: Write) -> None:
    text = (
        "losses: {contrastive: null}\n"
        "vary:\n"
        "  term:\n"
        "    without: {}\n"
        "    with: {losses.contrastive: contragan_2c}\n"
        "    weak: {losses.contrastive: {kind: contragan_2c, weight: 0.01, temperature: 1.0}}\n"
        "  mapping: {one_hot: {}, mlp: {critic.conditioner: {kind: continuous_mlp, hidden: 8}}}\n"
        "seeds: 1\n"
    )
    changes = {cell.name: cell.changes for cell in read_ablation(write(text), zoo).cells}
    assert changes["with, one_hot"] == ("losses.contrastive: none → contragan_2c",)
    assert changes["weak, one_hot"] == ("losses.contrastive: none → contragan_2c (weight 0.01, temperature 1)",)
    assert changes["without, mlp"] == ("critic.conditioner: one_hot → continuous_mlp (hidden 8)",)


def test_the_key_is_of_what_is_trained(zoo: Zoo, write: Write) -> None:
    text = TWO_BY_TWO + "seeds: 1\n"
    first = read_ablation(write(text), zoo).runs[0]
    renamed = read_ablation(write(text), zoo, ["name=other", "evaluation.images=3"]).runs[0]
    assert renamed.key == first.key
    assert read_ablation(write(text), zoo, ["training.images=128"]).runs[0].key != first.key


def test_cells_beside_the_product(zoo: Zoo, write: Write) -> None:
    extra = "cells:\n- {name: slow, contrastive: without, set: {training.optimizer.lr: 1e-5}}\n"
    ablation = read_ablation(write(TWO_BY_TWO + extra), zoo)
    assert [cell.name for cell in ablation.cells][4:] == ["slow"]
    assert ablation.cells[4].runs[0].spec.training.optimizer.lr == 1e-5
    assert "contrastive" not in ablation.cells[4].runs[0].spec.losses


def test_listed_cells_alone(zoo: Zoo, write: Write) -> None:
    listed = "product: false\ncells:\n- {contrastive: with, width: wide}\n- {contrastive: without, width: narrow}\n"
    ablation = read_ablation(write(TWO_BY_TWO + listed), zoo)
    assert [cell.name for cell in ablation.cells] == ["with, wide", "without, narrow"]


def test_excluded_cells(zoo: Zoo, write: Write) -> None:
    ablation = read_ablation(write(TWO_BY_TWO + "exclude:\n- {contrastive: without, width: wide}\n"), zoo)
    assert [cell.name for cell in ablation.cells] == ["with, narrow", "with, wide", "without, narrow"]


def test_a_file_that_removes_a_level_need_not_repeat_what_was_excluded_with_it(zoo: Zoo, write: Write) -> None:
    base = write(TWO_BY_TWO + "exclude: [{contrastive: without, width: wide}]\n")
    mine = base.with_name("mine.yaml")
    mine.write_text("extends: ablation.yaml\nvary: {width: {wide: null}}\n")
    ablation = read_ablation(mine, zoo)
    assert [cell.name for cell in ablation.cells] == ["with, narrow", "without, narrow"]


def test_the_baseline_is_named_by_levels_or_by_name(zoo: Zoo, write: Write) -> None:
    by_levels = write(TWO_BY_TWO + "baseline: {contrastive: without, width: narrow}\n")
    assert read_ablation(by_levels, zoo).baseline == "without, narrow"
    assert read_ablation(write(TWO_BY_TWO + "baseline: without, wide\n"), zoo).baseline == "without, wide"


def test_a_baseline_may_leave_factors_open(zoo: Zoo, write: Write) -> None:
    """Then cells are compared with the one that agrees with them in those: another data set, another baseline."""
    listed = "cells: [{name: longer, contrastive: with, set: {training.images: 72}}]\n"
    ablation = read_ablation(write(TWO_BY_TWO + listed + "baseline: {contrastive: without}\n"), zoo)
    assert ablation.baselines == ("without, narrow", "without, wide")
    assert {cell.name: cell.baseline for cell in ablation.cells} == {
        "with, narrow": "without, narrow",
        "with, wide": "without, wide",
        "without, narrow": None,
        "without, wide": None,
        "longer": None,
    }
    changes = {cell.name: cell.changes for cell in ablation.cells}
    assert changes["with, wide"] == ("losses.contrastive: none → contragan_2c",)
    assert changes["without, narrow"] == ()
    assert changes["without, wide"] == ("generator.width: 4 → 8", "critic.width: 4 → 8")
    (note,) = ablation.notes
    assert "the cell longer is compared with none: no cell has its levels with those of the baseline" in note


def test_a_cell_with_overrides_of_its_own_is_no_baseline_where_there_is_a_plain_one(zoo: Zoo, write: Write) -> None:
    listed = "cells: [{name: longer, contrastive: without, width: wide, set: {training.images: 72}}]\n"
    ablation = read_ablation(write(TWO_BY_TWO + listed + "baseline: {contrastive: without}\n"), zoo)
    assert ablation.baselines == ("without, narrow", "without, wide")
    assert ablation.cell("longer").baseline == "without, wide"
    listed = "cells: [{name: longer, contrastive: without, set: {training.images: 72}}]\n"
    ablation = read_ablation(write(TWO_BY_TWO + listed + "baseline: {contrastive: without}\n"), zoo)
    assert ablation.baselines == ("without, narrow", "without, wide")
    alone = read_ablation(write(TWO_BY_TWO + "product: false\n" + listed + "baseline: {contrastive: without}\n"), zoo)
    assert alone.baselines == ("longer",)


def test_an_ablation_extends_another(zoo: Zoo, write: Write, tmp_path: Path) -> None:
    write(TWO_BY_TWO)
    more = tmp_path / "more.yaml"
    more.write_text("extends: ablation.yaml\nname: more\nvary: {width: {wider: {generator.width: 16}}}\nseeds: 1\n")
    ablation = read_ablation(more, zoo)
    assert len(ablation.cells) == 6
    assert ablation.name == "more"


def test_a_level_that_writes_down_what_is_there_is_noted(zoo: Zoo, write: Write) -> None:
    ablation = read_ablation(write("vary: {batch: {a: {training.batch_size: 4}, b: {training.batch_size: 8}}}\n"), zoo)
    (note,) = ablation.notes
    assert "ablation.yaml:3:" in note
    assert "level a of batch changes nothing" in note


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("vary: {w: {a: {}, b: {generator.widht: 8}}}", "generator.widht: unknown field. Did you mean 'width'?"),
        ("vary: {w: {a: {}, b: {losses.nothing: null}}}", "null removes nothing here"),
        ("vary: {w: {a: {}, b: {generator: dcgan_atention}}}", "Did you mean 'dcgan_attention'?"),
        ("vary: {w: {a: {}, b: {training.batch_size: 4}}}", "resolve to the same spec: between their levels of w"),
        ("vary: {w: {a: {}, b: {evaluation.images: 3}}}", "differ only in how they are measured"),
        ("vary: {w: {}}", "the factor 'w' has no levels"),
        ("vary: {w: {a: {}, b: {generator.width: 8}}}\nbaseline: c", "no cell is called 'c'"),
        ("vary: {w: {a: {}, b: {generator.width: 8}}}\nbaseline: {w: c}", "w has no level 'c'. Levels: a, b"),
        (TWO_BY_TWO + "baseline: {}\n", "{} names no level"),
        (
            TWO_BY_TWO + "exclude: [{contrastive: without}]\nbaseline: {contrastive: without}\n",
            "no cell that runs has the levels {contrastive: without}; name one cell, of: with, narrow; with, wide",
        ),
        (
            TWO_BY_TWO + "product: false\ncells: [{width: wide}]\nbaseline: {contrastive: with, width: wide}\n",
            "no cell that runs has the levels {contrastive: with, width: wide}; name one cell, of: wide",
        ),
        ("vary: {w: {a: {}, b: {generator.width: 8}}}\nexclude: [{v: a}]", "there is no factor 'v'"),
        ("vary: {w: {a: {}, b: {generator.width: 8}}}\nexclude: [{w: a}, {w: b}]", "no cell is left"),
        ("vary: {w: {a: {}, b: {generator.width: 8}}}\ncells: [{w: a}]", "the product of the factors has this cell"),
        ("vary: {w: {a: {}, b: {generator.width: 8}}}\ncells: [{set: {generator.width: 2}}]", "give it a `name`"),
        ("vary: {w: {a: {}, b: {generator.width: 8}}}\nseeds: [1, 1]", "the seed 1 stands twice"),
        ("vary: {w: {a: {}, b: {generator.width: 8}}}\nlauncher: slrum", "unknown launcher 'slrum'"),
        ("vary: {w: {a: {}, b: {generator.width: 8}}}\ncells: [{w: a, seed: 7}]", "there is no factor 'seed'"),
        ("vary: {w: {a: {}, b: {generator.width: 8}}}\ncells: [{w: [a]}]", "w has no level"),
        (TWO_BY_TWO + "seeds: 2000000000", "a number means so many seeds, 1 to 10,000"),
        (TWO_BY_TWO + "seeds: 0", "a number means so many seeds"),
        (TWO_BY_TWO + "seeds: three", "expected a number of seeds"),
        (TWO_BY_TWO + "exlude: [{width: wide}]", "exlude: unknown key of an ablation. Did you mean 'exclude'?"),
        (TWO_BY_TWO + "product: false\ncells: [{width: wide}]\nexclude: [{widht: wide}]", "no factor 'widht'"),
        ("vary: {w: {a: {}, b: {training.seed: 9}}}", "training.seed: an ablation sets it from `seeds`"),
        ("vary: {w: {a: {}, b: {training: {seed: 9}}}}", "training.seed: an ablation sets it from `seeds`"),
        ("vary: {w: {a: {}, b: {critic.kind: projecton}}}", "ablation.yaml:3:23: critic: unknown critic 'projecton'"),
        ("vary: {w: {a: {}, film: {generator.injection: film, generator.embedding: 3}}}", "(in the cell 'film' of "),
        ("seeds: 3", "not an ablation: it has neither `vary` nor `cells`"),
        ("varry: {w: {a: {}, b: {generator.width: 8}}}", "varry: unknown key of an ablation. Did you mean 'vary'?"),
        ("vary: {w: [8, 16]}", "vary.w: expected a mapping such as {name: …}, not a list"),
        ("vary: {w: {a: 8}}", "vary.w.a: expected a mapping such as {name: …} (got 8)"),
        ("vary: {w: {a: {}, b: {losses.contrastive.weight: {x: 1}}}}", "losses.contrastive.weight"),
    ],
)
def test_mistakes_are_told_before_anything_runs(zoo: Zoo, write: Write, text: str, said: str) -> None:
    message = problems(zoo, write(text + "\n"))
    assert said in message
    assert "ablation.yaml" in message


def test_a_level_that_a_file_repeats_keeps_its_nulls(zoo: Zoo, write: Write, tmp_path: Path) -> None:
    base = write(TWO_BY_TWO)
    child = tmp_path / "child.yaml"
    child.write_text(
        f"extends: {base.name}\nvary:\n  contrastive:\n    without: {{losses.contrastive: null}}\n"
        "    weak: {losses.contrastive.weight: 0.1}\n  width: null\n"
    )
    cells = {cell.name: cell.changes for cell in read_ablation(child, zoo).cells}
    assert cells["without"] == ("losses.contrastive: contragan_2c → none",)
    assert list(cells) == ["with", "without", "weak"]
    again = tmp_path / "again.yaml"
    again.write_text("extends: child.yaml\nvary: {contrastive: {strong: {losses.contrastive: null}, without: null}}\n")
    assert [cell.name for cell in read_ablation(again, zoo).cells] == ["with", "weak", "strong"]


def test_a_file_over_another_names_a_baseline_of_its_own(zoo: Zoo, write: Write, tmp_path: Path) -> None:
    base = write(TWO_BY_TWO + "baseline: with, narrow\n")
    child = tmp_path / "child.yaml"
    child.write_text(f"extends: {base.name}\nbaseline: {{contrastive: without, width: wide}}\n")
    assert read_ablation(child, zoo).baseline == "without, wide"
    again = tmp_path / "again.yaml"
    again.write_text("extends: child.yaml\nbaseline: without, narrow\n")
    assert read_ablation(again, zoo).baseline == "without, narrow"


def test_what_no_cell_uses_is_noted(zoo: Zoo, write: Write) -> None:
    text = (
        "vary: {w: {a: {}, b: {generator.width: 8}}, unused: {c: {}, d: {training.nonsense: 3}}}\n"
        "product: false\nexclude: [{w: a}]\n"
        "cells: [{w: b}, {name: same, w: a, set: {training.batch_size: 4}, unused: c}]\nseeds: 1\n"
    )
    said = "\n".join(read_ablation(write(text), zoo).notes)
    assert "no cell has the level d of unused; alone it would be wrong: " in said
    assert "training.nonsense: unknown field" in said
    assert "exclude leaves nothing out" in said
    assert "what the cell same has under `set` changes nothing" in said


def test_all_mistakes_of_all_cells_are_told_once(zoo: Zoo, write: Write) -> None:
    text = "vary: {w: {a: {generator.widht: 8}, b: {critic.wdith: 8}}, v: {c: {}, d: {training.batch_size: 8}}}\n"
    message = problems(zoo, write(text))
    assert len(message.splitlines()) == 2
    assert "widht" in message
    assert "wdith" in message


def test_a_grid_that_is_too_large_is_not_even_listed(zoo: Zoo, write: Write) -> None:
    levels = ", ".join(f"l{i}: {{generator.width: {i + 1}}}" for i in range(100))
    text = f"vary: {{a: {{{levels}}}, b: {{{levels}}}, c: {{{levels}}}}}\n"
    message = problems(zoo, write(text))
    assert "3,000,000 runs (100 a × 100 b × 100 c × 3 seeds)" in message
    assert "max_runs" in message


def test_other_commands_say_what_an_ablation_is_for(zoo: Zoo, write: Write) -> None:
    with pytest.raises(SpecError, match=r"ablation\.yaml:4:1: vary: this is a file for `alloygan ablate`"):
        zoo.read_spec(write(TWO_BY_TWO))


def test_a_file_that_extends_an_ablation_is_named_itself(zoo: Zoo, write: Write) -> None:
    base = write(TWO_BY_TWO)
    mine = base.with_name("mine.yaml")
    mine.write_text("extends: ablation.yaml\n")
    with pytest.raises(
        SpecError, match=r"^\S*mine\.yaml: vary, from \S*ablation\.yaml:4:1: this is a file for .*--dry-run"
    ):
        zoo.read_spec(mine)
