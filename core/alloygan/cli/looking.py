"""Commands that look: at the kinds of the zoo, at specs, at the schema."""

from typing import Annotated, Literal

from cyclopts import Parameter

from alloygan.cli.app import AsJson, Overrides, Plugins, app, print_json, screen
from alloygan.errors import SpecError, nearest
from alloygan.terminal import SECTIONS, print_check, print_kinds, print_layers, print_section, print_show
from alloygan.zoo import load_zoo


@app.command(name="list")
def list_(*, plugin: Plugins = (), as_json: AsJson = False) -> None:
    """Show every kind of generator, critic, conditioner, loss … that is installed, and where it comes from."""
    zoo = load_zoo(plugin)
    if as_json:
        print_json(
            {
                registry.plural: [
                    {"kind": entry.kind, "origin": entry.origin, "summary": entry.summary} for entry in registry
                ]
                for registry in zoo.registries.values()
            }
        )
    else:
        print_kinds(screen, zoo)


@app.command
def show(kind: str, *, plugin: Plugins = (), as_json: AsJson = False) -> None:
    """Show what a kind is, its fields with defaults, and what it needs and gives; or the text of a shipped spec.

    Parameters
    ----------
    kind
        A kind as `alloygan list` names it; training, evaluation, conditions or the name of an optimiser; or zoo:NAME
        for a spec that a plugin ships.
    """
    zoo = load_zoo(plugin)
    if kind.startswith("zoo:"):
        zoo.read_document(kind)  # for its message, if there is none of this name
        print(zoo.shipped[kind.removeprefix("zoo:")].read_text(encoding="utf-8"), end="")
        return
    if kind in SECTIONS:
        if as_json:
            print_json(SECTIONS[kind].model_json_schema())
        else:
            print_section(screen, kind)
        return
    entries = [(registry, registry.get(kind)) for registry in zoo.registries.values() if kind in registry]
    if not entries:
        known = [entry.kind for registry in zoo.registries.values() for entry in registry]
        known += [*SECTIONS, *(f"zoo:{name}" for name in zoo.shipped)]
        raise SpecError(f"no kind is called {kind!r}.{nearest(kind, known)}")
    if as_json:
        print_json(
            [
                {
                    "registry": registry.plural,
                    "kind": entry.kind,
                    "origin": entry.origin,
                    "summary": entry.summary,
                    "schema": entry.spec.model_json_schema(),
                }
                for registry, entry in entries
            ]
        )
        return
    for registry, entry in entries:
        print_show(screen, zoo, registry, entry)


@app.command
def check(
    spec: str,
    *,
    set_: Overrides = (),
    layers: Annotated[bool, Parameter(name="--layers", negative=())] = False,
    plugin: Plugins = (),
    as_json: AsJson = False,
) -> None:
    """Check a spec without training it: fields, kinds, whether the parts fit, manifest and files.

    Parameters
    ----------
    spec
        A spec file, or zoo:NAME for one that a plugin ships.
    layers
        Also build generator and critic and print their layers as the paper's Tables 1 and 2 do.
    """
    zoo = load_zoo(plugin)
    read = zoo.read_spec(spec, set_)
    read.data.check_inputs(read.conditions)
    if read.data.held_out is not None:
        from alloygan.data.held_out import condition_space_of

        condition_space_of(read)  # for its message, if there are no such conditions
    if not layers:
        if as_json:
            print_json(read.model_dump(mode="json"))
        else:
            print_check(screen, read)
        return
    from alloygan.assembler import assemble, example_condition
    from alloygan.data.held_out import condition_space_of
    from alloygan.layer_table import layer_rows

    gan = assemble(read, condition_space_of(read))
    import torch

    condition = example_condition(gan.site, 2)
    tables = {
        "generator": layer_rows(gan.generator, torch.zeros(2, gan.generator.noise_width), condition),
        "critic": layer_rows(gan.critic, torch.zeros(2, *gan.site.image_shape), condition),
    }
    if as_json:
        print_json({name: [vars(row) for row in rows] for name, rows in tables.items()})
    else:
        print_check(screen, read)
        print_layers(screen, tables)


@app.command
def schema(file: Literal["spec", "ablation", "search"] = "spec", /, *, plugin: Plugins = ()) -> None:
    """Print the JSON Schema of spec files, for editors: alloygan schema > .alloygan.schema.json.

    Parameters
    ----------
    file
        Which files: a spec, or one for `alloygan ablate` or `alloygan tune`, which have further keys.
    """
    from alloygan.schema import json_schema

    print_json(json_schema(load_zoo(plugin), file))
