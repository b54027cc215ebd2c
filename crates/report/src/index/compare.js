/* Side by side: any two or more lines, each figure with its interval, its difference from the first, and its place. */
(function () {
  const state = index.state;
  const data = index.data;
  const table = document.getElementById("comparison");
  const status = document.getElementById("compare-status");
  const sets = document.getElementById("set");
  const csvButton = document.getElementById("compare-csv");
  const clear = document.getElementById("clear");
  const width = 220;

  data.sets.forEach(function (set, place) {
    const option = index.element("option", set.name + " (" + set.entries.length + ")");
    option.value = String(place);
    sets.append(option);
  });

  function signed(figure, difference) {
    const text = figure.unit === "share" ? (Math.abs(difference) * 100).toFixed(1) + " points"
      : figure.unit === "count" ? Math.abs(difference).toFixed(0) : Math.abs(difference).toFixed(2);
    return /[1-9]/.test(text) ? (difference < 0 ? "−" : "+") + text : "±0";
  }

  function range(figure, ends) {
    return figure.unit === "share"
      ? (ends[1] * 100).toFixed(1) + "–" + (ends[2] * 100).toFixed(1) + " %"
      : index.decimal(ends[1]) + " to " + index.decimal(ends[2]);
  }

  /* Where the chosen ones stand on one axis, by their numbers. */
  function strip(figure, found) {
    const known = found.filter(Array.isArray);
    if (known.length < 2) { return index.element("span", known.length ? "one value" : "no value", "version"); }
    let low = figure.unit === "count" || figure.key === "text_words" ? 0 : Math.min.apply(null, [0].concat(known.map(function (one) { return one[0]; })));
    let high = Math.max.apply(null, known.map(function (one) { return one[0]; }));
    if (!(figure.unit === "count" || figure.key === "text_words")) { high = Math.max(1, high); }
    if (high <= low) { high = low + 1; }
    function across(value) { return 8 + (width - 16) * Math.min(1, Math.max(0, (value - low) / (high - low))); }
    const tall = 12 * found.length + 4;
    const svg = index.drawn("svg", { viewBox: "0 0 " + width + " " + tall, height: tall, role: "img",
      "aria-label": figure.title + ", places on an axis from " + index.written(figure, low) + " to " +
        index.written(figure, high) });
    found.forEach(function (one, place) {
      const y = 12 * place + 8;
      svg.append(index.drawn("line", { "class": "guide", x1: 8, x2: width - 8, y1: y, y2: y }));
      if (!Array.isArray(one)) { return; }
      if (one.length === 3) {
        svg.append(index.drawn("line", { "class": "interval", x1: across(one[1]), x2: across(one[2]), y1: y, y2: y }));
      }
      const x = across(one[0]);
      svg.append(index.drawn("circle", { "class": "point", cx: x, cy: y, r: 3 }));
      const isRight = x > width - 24;
      const mark = index.drawn("text", { "class": "mark", x: isRight ? x - 6 : x + 6, y: y + 3.5,
        "text-anchor": isRight ? "end" : "start" });
      mark.textContent = String(place + 1);
      svg.append(mark);
    });
    return svg;
  }

  function row(name, cells, last) {
    const line = index.element("tr");
    const head = index.element("th", name);
    head.scope = "row";
    line.append(head);
    cells.forEach(function (content) {
      const cell = index.element("td");
      cell.append.apply(cell, content);
      line.append(cell);
    });
    const end = index.element("td", undefined, "strip");
    if (last) { end.append(last); }
    line.append(end);
    return line;
  }

  function said(value, reason) {
    return [value === null ? index.absent(reason) : value];
  }

  function chosen() {
    return state.chosen.map(function (id) { return data.entries[index.byId.get(id)]; });
  }

  function draw() {
    const entries = chosen();
    clear.disabled = entries.length === 0;
    csvButton.disabled = entries.length < 2;
    if (entries.length < 2) {
      status.textContent = entries.length ? "one chosen; choose another" : "none chosen";
      table.replaceChildren();
      return;
    }
    status.textContent = entries.length + " chosen";
    const head = index.element("thead");
    const titles = index.element("tr");
    titles.append(index.element("th", "differences are from 1"));
    entries.forEach(function (entry, place) {
      const cell = index.element("th", (place + 1) + " " + entry.dataset);
      cell.scope = "col";
      if (entry.version !== null) { cell.append(" ", index.element("span", entry.version, "version")); }
      cell.append(index.element("span", entry.group, "range wrap"));
      const out = index.element("button", "take out");
      out.type = "button";
      out.setAttribute("aria-label", "take out " + index.label(entry));
      out.addEventListener("click", function () {
        state.chosen = state.chosen.filter(function (id) { return id !== entry.id; });
        index.changed();
      });
      cell.append(out);
      titles.append(cell);
    });
    titles.append(index.element("th", "where they stand"));
    head.append(titles);
    const body = index.element("tbody");
    body.append(row("Status", entries.map(function (entry) { return said(entry.status, "a file has no status"); })),
      row("Generator", entries.map(function (entry) { return said(entry.generator, "not said"); })),
      row("Judges", entries.map(function (entry) { return said(entry.judges, "not said, or none"); })),
      row("Date", entries.map(function (entry) { return said(entry.date, "not known"); })));
    data.figures.forEach(function (figure, at) {
      const found = entries.map(function (entry) { return entry.figures[at]; });
      if (!found.some(Array.isArray)) { return; }
      const first = Array.isArray(found[0]) ? found[0][0] : null;
      const cells = found.map(function (one, place) {
        if (!Array.isArray(one)) { return [index.absent(one === null ? "not measured" : data.reasons[one])]; }
        const content = [index.written(figure, one[0])];
        if (one.length === 3) { content.push(index.element("span", range(figure, one), "range")); }
        if (place > 0 && first !== null) {
          content.push(index.element("span", signed(figure, one[0] - first), "difference"));
        }
        return content;
      });
      body.append(row(figure.title, cells, strip(figure, found)));
    });
    const composites = entries.map(index.composite);
    const asFigure = { unit: "number", key: "composite", title: "Composite" };
    const asFound = composites.map(function (one) { return one === null ? null : [one.value, one.low, one.high]; });
    body.append(row("Composite at the weights set", composites.map(function (one, place) {
      if (one === null) { return [index.absent("no component with a weight is known")]; }
      const content = [index.decimal(one.value),
        index.element("span", index.decimal(one.low) + " to " + index.decimal(one.high) + ", " + (one.known * 100).toFixed(0) + " % known", "range wrap")];
      if (place > 0 && composites[0] !== null) {
        content.push(index.element("span", signed(asFigure, one.value - composites[0].value), "difference"));
      }
      return content;
    }), strip(asFigure, asFound)));
    table.replaceChildren(head, body);
  }

  sets.addEventListener("change", function () {
    const set = data.sets[Number(sets.value)];
    if (sets.value !== "" && set) {
      set.entries.forEach(function (id) {
        if (index.byId.has(id) && !state.chosen.includes(id)) { state.chosen.push(id); }
      });
    }
    sets.value = "";
    index.changed();
  });
  clear.addEventListener("click", function () { state.chosen = []; index.changed(); });
  csvButton.addEventListener("click", function () {
    const rows = [["figure", "place", "dataset", "version", "value", "low", "high", "missing"]];
    data.figures.forEach(function (figure, at) {
      chosen().forEach(function (entry) {
        const one = entry.figures[at];
        const known = Array.isArray(one);
        rows.push([figure.key, entry.place, entry.dataset, entry.version, known ? one[0] : null,
          known && one.length === 3 ? one[1] : null, known && one.length === 3 ? one[2] : null,
          known ? null : (one === null ? "not measured" : data.reasons[one])]);
      });
    });
    index.save("comparison.csv", rows);
  });
  document.getElementById("compare-controls").hidden = false;
  index.listen(draw);
  window.addEventListener("hashchange", function () {
    /* A link inside the page leads to a section and says nothing of the state. */
    if (location.hash.includes("=") || location.hash === "") { index.read(); index.redraw(); }
  });
  index.redraw();
}());
