// The atlas of a report: shows the picture and the numbers of a chosen condition and noise, all of them drawn beforehand.
(function () {
  "use strict";
  const atlas = JSON.parse(document.getElementById("atlas-data").textContent);
  const part = (name) => document.getElementById("atlas-" + name);
  const view = part("view");
  const varying = atlas.columns.map((_, i) => i).filter((i) => atlas.columns[i].levels.length > 1);
  // The map lies over the two columns with the most levels to choose from.
  const longest = varying.slice().sort((a, b) => atlas.columns[b].levels.length - atlas.columns[a].levels.length);
  const [across, down] = longest;
  const controls = [];
  const cells = [];
  const thumbs = [];
  let point = atlas.points.findIndex((one) => one.label >= 0 && !one.held);
  let noise = 0;

  function element(tag, attributes, text) {
    const made = document.createElement(tag);
    for (const [key, value] of Object.entries(attributes || {})) made.setAttribute(key, value);
    if (text !== undefined) made.textContent = text;
    return made;
  }

  const picture = (png) => "data:image/png;base64," + png;

  // The point nearest to these levels; the column that was moved weighs most, then categories, then what lies on the grid.
  function nearest(at, moved) {
    let best = point;
    let least = Infinity;
    atlas.points.forEach((one, number) => {
      let cost = one.grid ? 0 : 0.5;
      one.at.forEach((place, i) => {
        const apart = Math.abs(place - at[i]);
        if (apart) cost += i === moved ? 1e6 * apart : atlas.columns[i].category ? 1e3 : apart;
      });
      if (cost < least) {
        least = cost;
        best = number;
      }
    });
    return best;
  }

  function move(column, place) {
    const last = atlas.columns[column].levels.length - 1;
    const at = atlas.points[point].at.slice();
    at[column] = Math.min(last, Math.max(0, place));
    show(nearest(at, column), noise);
  }

  function addControl(i) {
    const column = atlas.columns[i];
    const row = element("div", { class: "control" });
    const label = element("label", { for: "atlas-column-" + i }, column.name);
    const output = element("output", { for: "atlas-column-" + i });
    let input;
    if (column.category) {
      input = element("select", { id: "atlas-column-" + i });
      column.levels.forEach((level, place) => input.append(element("option", { value: place }, level)));
    } else {
      input = element("input", { id: "atlas-column-" + i, type: "range", min: 0, max: column.levels.length - 1, step: 1 });
    }
    input.addEventListener(column.category ? "change" : "input", () => move(i, Number(input.value)));
    row.append(label, output, input);
    part("controls").append(row);
    controls.push({ i, input, output });
  }

  function addMap() {
    if (across === undefined) return;
    const rows = down === undefined ? [null] : atlas.columns[down].levels.map((_, place) => place).reverse();
    const head = element("tr");
    head.append(element("td"));
    atlas.columns[across].levels.forEach((level) => head.append(element("th", { scope: "col" }, level)));
    part("map").append(head);
    for (const y of rows) {
      const row = element("tr");
      row.append(element("th", { scope: "row" }, y === null ? "" : atlas.columns[down].levels[y]));
      atlas.columns[across].levels.forEach((_, x) => {
        const cell = { x, y, button: element("button", { type: "button" }), target: -1 };
        cell.button.addEventListener("click", () => show(cell.target, noise));
        const place = element("td");
        place.append(cell.button);
        row.append(place);
        cells.push(cell);
      });
      part("map").append(row);
    }
    const downwards = down === undefined ? "" : atlas.columns[down].name + " over ";
    part("map").prepend(element("caption", {}, downwards + atlas.columns[across].name));
    part("map").addEventListener("keydown", (event) => {
      const step = { ArrowLeft: [across, -1], ArrowRight: [across, 1], ArrowDown: [down, -1], ArrowUp: [down, 1] }[event.key];
      if (!step || step[0] === undefined) return;
      event.preventDefault();
      move(step[0], atlas.points[point].at[step[0]] + step[1]);
      const chosen = cells.find((one) => one.button.tabIndex === 0);
      if (chosen) chosen.button.focus();
    });
  }

  // Which point each cell of the map stands for, the other columns being as they are chosen.
  function paintMap() {
    const at = atlas.points[point].at;
    for (const cell of cells) {
      const wanted = at.slice();
      wanted[across] = cell.x;
      if (cell.y !== null) wanted[down] = cell.y;
      const same = (one) => one.at.every((place, i) => place === wanted[i]);
      let target = atlas.points.findIndex((one) => one.grid && same(one));
      if (target < 0) target = atlas.points.findIndex(same);
      const here = at[across] === cell.x && (cell.y === null || at[down] === cell.y);
      const one = atlas.points[target];
      cell.target = target;
      cell.button.textContent = !one ? "" : one.held ? "○" : one.label >= 0 ? "●" : "·";
      cell.button.disabled = !one;
      cell.button.tabIndex = here ? 0 : -1;
      if (one) cell.button.setAttribute("aria-label", one.text + (one.held ? " (held out)" : ""));
      if (here) {
        cell.button.setAttribute("aria-current", "true");
        // Into view in its own box only: the page must not move under a slider.
        const box = part("map").parentElement;
        box.scrollLeft = cell.button.offsetLeft - box.clientWidth / 2;
      } else {
        cell.button.removeAttribute("aria-current");
      }
    }
  }

  function addNoises() {
    for (let i = 0; i < atlas.noises; i++) {
      const button = element("button", { type: "button", "aria-label": "noise z" + (i + 1) });
      const image = element("img", { alt: "" });
      button.append(image, element("span", {}, "z" + (i + 1)));
      button.addEventListener("click", () => show(point, i));
      part("noises").append(button);
      thumbs.push({ button, image });
    }
  }

  function paintValues(one) {
    const body = part("values");
    body.replaceChildren();
    atlas.descriptors.forEach((descriptor, i) => {
      const row = element("tr");
      row.append(element("th", { scope: "row" }, descriptor.name + (descriptor.unit ? " (" + descriptor.unit + ")" : "")));
      row.append(element("td", { class: "number" }, one.values[noise][i]));
      if (atlas.means) {
        for (const text of [one.generated[i], one.real[i]]) row.append(element("td", { class: "number" }, text));
      }
      body.append(row);
    });
  }

  function show(chosen, z) {
    point = chosen;
    noise = Math.min(z, atlas.noises - 1);
    const one = atlas.points[point];
    part("condition").textContent = one.text;
    part("note").textContent = one.note;
    part("picture").src = picture(one.images[noise]);
    part("picture").alt = "generated with z" + (noise + 1) + ", " + one.text;
    part("noise").textContent = "generated, z" + (noise + 1);
    part("patch").hidden = one.patch === null;
    part("without").hidden = one.patch !== null;
    if (one.patch !== null) {
      part("patch").src = picture(one.patch);
      part("patch").alt = "real, " + one.text;
    }
    for (const { i, input, output } of controls) {
      input.value = one.at[i];
      output.textContent = one.columns[i];
      if (!atlas.columns[i].category) input.setAttribute("aria-valuetext", one.columns[i]);
    }
    thumbs.forEach(({ button, image }, i) => {
      image.src = picture(one.images[i]);
      button.setAttribute("aria-pressed", String(i === noise));
    });
    paintMap();
    paintValues(one);
  }

  varying.forEach(addControl);
  addMap();
  addNoises();
  for (const cell of document.querySelectorAll("a[data-point]")) {
    cell.addEventListener("click", (event) => {
      event.preventDefault();
      show(Number(cell.dataset.point), Number(cell.dataset.noise));
      document.getElementById("atlas").scrollIntoView();
      part("heading").focus({ preventScroll: true });
    });
  }
  // Without a condition of the data to begin with: the middle of all.
  if (point < 0) point = nearest(atlas.columns.map((column) => Math.floor(column.levels.length / 2)), -1);
  for (const head of view.querySelectorAll(".mean")) head.hidden = !atlas.means;
  show(point, noise);
  view.hidden = false;
  part("still").hidden = true;
})();
