"use strict";
/* Shared by both scripts: the data, what the reader has set, and how it stands in the page's address. */
const index = (function () {
  const data = JSON.parse(document.getElementById("data").textContent);
  const byId = new Map(data.entries.map(function (entry, place) { return [entry.id, place]; }));
  const figureAt = new Map(data.figures.map(function (figure, place) { return [figure.key, place]; }));
  const defaults = data.components.map(function (component) { return component.weight; });
  const state = { chosen: [], weights: defaults.slice(), sort: "", rising: true, text: "", group: "", latest: false };
  const listeners = [];

  function weightOf(text) {
    const value = Number(text);
    return text.trim() !== "" && Number.isFinite(value) && value >= 0 && value <= 1000 ? value : null;
  }

  function read() {
    const fields = new URLSearchParams(location.hash.slice(1));
    state.chosen = (fields.get("compare") || "").split(",").filter(function (id, place, all) {
      return byId.has(id) && all.indexOf(id) === place;
    });
    state.weights = defaults.slice();
    (fields.get("weights") || "").split(",").forEach(function (pair) {
      const parts = pair.split(":");
      const at = data.components.findIndex(function (component) { return component.key === parts[0]; });
      const weight = parts.length === 2 ? weightOf(parts[1]) : null;
      if (at >= 0 && weight !== null) { state.weights[at] = weight; }
    });
    const sort = fields.get("sort") || "";
    state.rising = !sort.startsWith("-");
    state.sort = sort.replace(/^-/, "");
    state.text = fields.get("text") || "";
    state.group = fields.get("group") || "";
    state.latest = fields.get("latest") === "1";
  }

  function write() {
    const fields = new URLSearchParams();
    if (state.chosen.length) { fields.set("compare", state.chosen.join(",")); }
    const changed = [];
    data.components.forEach(function (component, at) {
      if (state.weights[at] !== defaults[at]) { changed.push(component.key + ":" + state.weights[at]); }
    });
    if (changed.length) { fields.set("weights", changed.join(",")); }
    if (state.sort) { fields.set("sort", (state.rising ? "" : "-") + state.sort); }
    if (state.text) { fields.set("text", state.text); }
    if (state.group) { fields.set("group", state.group); }
    if (state.latest) { fields.set("latest", "1"); }
    const text = fields.toString().replace(/%2C/g, ",").replace(/%3A/g, ":");
    /* Some browsers forbid this for files; the page works all the same. */
    try { history.replaceState(null, "", text ? "#" + text : location.pathname + location.search); } catch (error) { /* as it was */ }
  }

  /* The weighted mean of what is known, its bounds, and the share of the weights that is known. */
  function composite(entry) {
    let all = 0;
    let known = 0;
    let sum = 0;
    state.weights.forEach(function (weight, at) {
      all += weight;
      const score = entry.scores[at];
      if (score !== null) { known += weight; sum += weight * score; }
    });
    if (known <= 0) { return null; }
    return { value: sum / known, low: sum / all, high: (sum + all - known) / all, known: known / all };
  }

  function decimal(value) {
    const text = value.toFixed(2);
    return text.startsWith("-") ? (Number(text) === 0 ? "0.00" : "−" + text.slice(1)) : text;
  }

  function written(figure, value) {
    if (figure.unit === "count") { return value.toFixed(0); }
    return figure.unit === "share" ? (value * 100).toFixed(1) + " %" : decimal(value);
  }

  function element(name, text, className) {
    const made = document.createElement(name);
    if (text !== undefined) { made.textContent = text; }
    if (className) { made.className = className; }
    return made;
  }

  function drawn(name, fields) {
    const made = document.createElementNS("http://www.w3.org/2000/svg", name);
    Object.keys(fields).forEach(function (key) { made.setAttribute(key, fields[key]); });
    return made;
  }

  function absent(reason) {
    const made = element("abbr", "missing", "missing");
    made.title = "missing: " + reason;
    return made;
  }

  function label(entry) {
    return entry.dataset + (entry.version === null ? "" : " " + entry.version);
  }

  /* A sign that a spreadsheet would read as a formula gets a quote before it, as in the site's own files. */
  function csv(rows) {
    return rows.map(function (row) {
      return row.map(function (cell) {
        let text = cell === null || cell === undefined ? "" : String(cell);
        if (typeof cell === "string" && /^\s*[=+\-@＝＋－＠]/.test(text)) { text = "'" + text; }
        return /[",\r\n]/.test(text) ? "\"" + text.replace(/"/g, "\"\"") + "\"" : text;
      }).join(",") + "\n";
    }).join("");
  }

  function save(name, rows) {
    const link = element("a");
    link.href = URL.createObjectURL(new Blob([csv(rows)], { type: "text/csv" }));
    link.download = name;
    document.body.append(link);
    link.click();
    link.remove();
    setTimeout(function () { URL.revokeObjectURL(link.href); }, 1000);
  }

  function changed() {
    write();
    listeners.forEach(function (listener) { listener(); });
  }

  read();
  return { data: data, byId: byId, figureAt: figureAt, defaults: defaults, state: state, weightOf: weightOf, read: read,
    changed: changed, listen: function (listener) { listeners.push(listener); },
    redraw: function () { listeners.forEach(function (listener) { listener(); }); },
    composite: composite, decimal: decimal, written: written, element: element, drawn: drawn, absent: absent, label: label,
    save: save };
}());

/* The overview: filter, order, pages. Lines stand in the page already; they are moved and hidden, never made. */
(function () {
  const state = index.state;
  const entries = index.data.entries;
  const body = document.getElementById("rows");
  const lines = entries.map(function (entry) { return document.getElementById("e-" + entry.id); });
  const status = document.getElementById("status");
  const search = document.getElementById("search");
  const group = document.getElementById("group");
  const latest = document.getElementById("latest");
  const previous = document.getElementById("previous");
  const next = document.getElementById("next");
  const pageSize = 50;
  let page = 0;
  const texts = entries.map(function (entry) {
    return [entry.dataset, entry.version, entry.group, entry.place, entry.generator, entry.judges, entry.status].join("\n").toLowerCase();
  });
  const boxes = lines.map(function (line, place) {
    const box = document.createElement("input");
    box.type = "checkbox";
    box.setAttribute("aria-label", "compare " + index.label(entries[place]));
    box.addEventListener("change", function () {
      const id = entries[place].id;
      state.chosen = state.chosen.filter(function (one) { return one !== id; });
      if (box.checked) { state.chosen.push(id); }
      index.changed();
    });
    line.querySelector("td.pick").append(box);
    return box;
  });

  const headers = Array.from(document.querySelectorAll("#table th[data-key]"));
  headers.forEach(function (header) {
    const button = index.element("button", header.textContent);
    button.type = "button";
    button.addEventListener("click", function () {
      const key = header.dataset.key;
      state.rising = state.sort === key ? !state.rising : true;
      state.sort = key;
      page = 0;
      index.changed();
    });
    header.replaceChildren(button);
  });

  function key(entry) {
    if (state.sort === "composite") {
      const found = index.composite(entry);
      return found === null ? null : found.value;
    }
    if (index.figureAt.has(state.sort)) {
      const figure = entry.figures[index.figureAt.get(state.sort)];
      return Array.isArray(figure) ? figure[0] : null;
    }
    return entry[state.sort] === undefined ? null : entry[state.sort];
  }

  function draw() {
    const words = state.text.toLowerCase().split(/\s+/).filter(Boolean);
    let shown = entries.map(function (entry, place) { return place; }).filter(function (place) {
      const entry = entries[place];
      if (state.group && entry.group !== state.group) { return false; }
      if (state.latest && !entry.latest) { return false; }
      return words.every(function (word) { return texts[place].includes(word); });
    });
    if (state.sort) {
      const keys = entries.map(key);
      shown.sort(function (a, b) {
        /* What is missing comes last either way. */
        if (keys[a] === null || keys[b] === null) { return (keys[a] === null) - (keys[b] === null) || a - b; }
        const order = keys[a] < keys[b] ? -1 : (keys[a] > keys[b] ? 1 : 0);
        return (state.rising ? order : -order) || a - b;
      });
    }
    const pages = Math.max(1, Math.ceil(shown.length / pageSize));
    page = Math.min(Math.max(page, 0), pages - 1);
    lines.forEach(function (line) { line.hidden = true; });
    const fragment = document.createDocumentFragment();
    shown.slice(page * pageSize, (page + 1) * pageSize).forEach(function (place) {
      lines[place].hidden = false;
      fragment.append(lines[place]);
    });
    body.prepend(fragment);
    headers.forEach(function (header) {
      if (header.dataset.key === state.sort) {
        header.setAttribute("aria-sort", state.rising ? "ascending" : "descending");
      } else {
        header.removeAttribute("aria-sort");
      }
    });
    entries.forEach(function (entry, place) {
      const chosen = state.chosen.includes(entry.id);
      boxes[place].checked = chosen;
      lines[place].classList.toggle("chosen", chosen);
      const found = index.composite(entry);
      const cell = lines[place].querySelector("td.composite");
      if (found === null) {
        cell.replaceChildren(index.absent("no component with a weight is known"));
        cell.removeAttribute("title");
      } else {
        cell.replaceChildren(index.decimal(found.value),
          index.element("span", (found.known * 100).toFixed(0) + " % known", "range"));
        cell.title = "from " + index.decimal(found.low) + " to " + index.decimal(found.high) +
          ", were all that is missing 0 or 1";
      }
    });
    previous.disabled = page === 0;
    next.disabled = page + 1 >= pages;
    status.textContent = shown.length + " of " + entries.length + (pages > 1 ? ", page " + (page + 1) + " of " + pages : "");
    if (search.value !== state.text) { search.value = state.text; }
    group.value = state.group;
    latest.checked = state.latest;
  }

  search.addEventListener("input", function () { state.text = search.value; page = 0; index.changed(); });
  group.addEventListener("change", function () { state.group = group.value; page = 0; index.changed(); });
  latest.addEventListener("change", function () { state.latest = latest.checked; page = 0; index.changed(); });
  previous.addEventListener("click", function () { page -= 1; draw(); });
  next.addEventListener("click", function () { page += 1; draw(); });
  document.getElementById("controls").hidden = false;
  index.listen(draw);
}());

/* Weights, the formula, and who ranks where by it. */
(function () {
  const state = index.state;
  const components = index.data.components;
  const ranking = document.getElementById("ranking");
  const order = document.getElementById("ranking-order");
  const known = document.getElementById("ranking-known");
  const status = document.getElementById("weight-status");
  const shownAtMost = 12;
  const inputs = components.map(function (component, at) {
    const cell = document.querySelector(".weight[data-key=\"" + component.key + "\"]");
    const slider = document.createElement("input");
    slider.type = "range";
    slider.min = "0";
    slider.max = "5";
    slider.step = "0.25";
    slider.setAttribute("aria-label", "weight of " + component.short + ", slider");
    const number = document.createElement("input");
    number.type = "number";
    number.min = "0";
    number.max = "1000";
    number.step = "any";
    number.setAttribute("aria-label", "weight of " + component.short);
    function set(text) {
      const weight = index.weightOf(text);
      if (weight === null) {
        /* The last weight that was one stays in force. */
        number.setAttribute("aria-invalid", "true");
        status.textContent = "a weight is a number from 0 to 1000";
        return;
      }
      status.textContent = "";
      state.weights[at] = weight;
      index.changed();
    }
    slider.addEventListener("input", function () { set(slider.value); });
    number.addEventListener("input", function () { set(number.value); });
    cell.replaceChildren(slider, number);
    return { slider: slider, number: number };
  });

  function ranked() {
    const list = [];
    index.data.entries.forEach(function (entry) {
      const found = index.composite(entry);
      if (found !== null) { list.push({ entry: entry, found: found }); }
    });
    const sign = order.value === "low" ? 1 : -1;
    return list.sort(function (a, b) { return sign * (a.found.value - b.found.value); });
  }

  function draw() {
    inputs.forEach(function (input, at) {
      const weight = state.weights[at];
      input.slider.value = String(weight);
      if (document.activeElement !== input.number || index.weightOf(input.number.value) !== weight) {
        input.number.value = String(weight);
      }
      input.number.removeAttribute("aria-invalid");
    });
    const terms = [];
    const weights = [];
    components.forEach(function (component, at) {
      if (state.weights[at] > 0) {
        terms.push(state.weights[at] + " × (" + component.formula.split(", and ")[0] + ")");
        weights.push(state.weights[at]);
      }
    });
    document.getElementById("formula").textContent = terms.length
      ? "composite = (" + terms.join(" + ") + ") / (" + weights.join(" + ") + "), over the components that are known"
      : "composite = missing: every weight is 0";
    const fragment = document.createDocumentFragment();
    /* A composite of few known components would rank high or low by what is not known of it. */
    const enough = ranked().filter(function (one) { return one.found.known >= Number(known.value) - 1e-9; });
    enough.slice(0, shownAtMost).forEach(function (one) {
      const item = index.element("li");
      const line = index.element("span", undefined, "line");
      const name = index.element("span", index.label(one.entry) + " ");
      name.append(index.element("span", one.entry.group, "version"));
      line.append(name, index.element("span", index.decimal(one.found.value) + " (" +
        (one.found.known * 100).toFixed(0) + " % known)", "value"));
      const svg = index.drawn("svg", { viewBox: "0 0 340 10", preserveAspectRatio: "none", role: "img",
        "aria-label": "from " + index.decimal(one.found.low) + " to " + index.decimal(one.found.high) });
      svg.append(index.drawn("rect", { "class": "rail", x: 0, y: 1, width: 340, height: 8 }),
        index.drawn("rect", { "class": "behind", x: 340 * one.found.low, y: 1,
          width: 340 * (one.found.high - one.found.low), height: 8 }),
        index.drawn("rect", { "class": "plain", x: 340 * one.found.value - 1.5, y: 0, width: 3, height: 10 }));
      item.append(line, svg);
      fragment.append(item);
    });
    if (enough.length === 0) { fragment.append(index.element("p", "No entry has so much of it known.", "note")); }
    ranking.replaceChildren(fragment);
  }

  document.getElementById("reset").addEventListener("click", function () {
    state.weights = index.defaults.slice();
    index.changed();
  });
  order.addEventListener("change", draw);
  known.addEventListener("change", draw);
  document.getElementById("ranking-csv").addEventListener("click", function () {
    const head = ["place", "group", "dataset", "version", "composite", "low", "high", "known_weight"];
    const weights = components.map(function (component, at) { return component.key + " " + state.weights[at]; });
    index.save("composite-at-my-weights.csv", [head.concat(["weights"])].concat(ranked().map(function (one) {
      return [one.entry.place, one.entry.group, one.entry.dataset, one.entry.version, one.found.value, one.found.low,
        one.found.high, one.found.known, weights.join("; ")];
    })));
  });
  document.getElementById("weight-controls").hidden = false;
  index.listen(draw);
}());
