"use strict";
(function () {
  const data = JSON.parse(document.getElementById("row-data").textContent);
  const body = document.getElementById("row-list");
  const status = document.getElementById("row-status");
  const search = document.getElementById("row-search");
  const finding = document.getElementById("row-finding");
  const pageSize = 50;
  let shown = data.rows.map(function (row, index) { return index; });
  let page = 0;
  let column = -1;
  let rising = true;

  data.findings.forEach(function (name, index) {
    const option = document.createElement("option");
    option.value = String(index);
    option.textContent = name;
    finding.append(option);
  });

  function key(row, at) {
    const value = row[at];
    if (at === 4) { return value.length; }
    return value === null ? -1 : value;
  }

  function choose() {
    const words = search.value.toLowerCase();
    const wanted = finding.value === "" ? null : (finding.value === "any" ? "any" : Number(finding.value));
    shown = [];
    data.rows.forEach(function (row, index) {
      if (wanted === "any" && row[4].length === 0) { return; }
      if (typeof wanted === "number" && !row[4].includes(wanted)) { return; }
      if (words && !row[1].toLowerCase().includes(words) && !row[0].toLowerCase().includes(words)) { return; }
      shown.push(index);
    });
    if (column >= 0) {
      shown.sort(function (a, b) {
        const one = key(data.rows[a], column);
        const other = key(data.rows[b], column);
        const order = one < other ? -1 : (one > other ? 1 : a - b);
        return rising ? order : -order;
      });
    }
    page = 0;
    draw();
  }

  function draw() {
    const pages = Math.max(1, Math.ceil(shown.length / pageSize));
    page = Math.min(Math.max(page, 0), pages - 1);
    const fragment = document.createDocumentFragment();
    shown.slice(page * pageSize, (page + 1) * pageSize).forEach(function (index) {
      const row = data.rows[index];
      const line = document.createElement("tr");
      const cells = [row[1], row[2], row[3] === null ? "–" : row[3].toFixed(3),
        row[4].map(function (place) { return data.findings[place]; }).join(", "), row[0]];
      cells.forEach(function (text, at) {
        const cell = document.createElement("td");
        cell.textContent = text;
        cell.className = ["text", "", "number", "", "place"][at];
        cell.dataset.name = ["text", "label", "confidence", "findings", "place"][at];
        line.append(cell);
      });
      fragment.append(line);
    });
    body.replaceChildren(fragment);
    status.textContent = shown.length + " of " + data.rows.length + " rows, page " + (page + 1) + " of " + pages;
  }

  search.addEventListener("input", choose);
  finding.addEventListener("change", choose);
  document.getElementById("row-next").addEventListener("click", function () { page += 1; draw(); });
  document.getElementById("row-previous").addEventListener("click", function () { page -= 1; draw(); });
  document.querySelectorAll("button[data-column]").forEach(function (button) {
    button.addEventListener("click", function () {
      const at = Number(button.dataset.column);
      rising = column === at ? !rising : true;
      column = at;
      choose();
    });
  });
  draw();

  const sideData = document.getElementById("side-data");
  if (sideData) { sideBySide(JSON.parse(sideData.textContent)); }

  function sideBySide(columns) {
    const table = document.getElementById("side");
    const add = document.getElementById("side-add");
    let chosen = [];
    columns.forEach(function (column, index) {
      if (column.of === "family" && chosen.length < 8) { chosen.push(index); }
      const option = document.createElement("option");
      option.value = String(index);
      option.textContent = column.of + " " + column.name;
      add.append(option);
    });

    function cell(kind, text, name) {
      const made = document.createElement(kind);
      made.textContent = text;
      made.className = name;
      return made;
    }

    function show() {
      const head = document.createElement("tr");
      head.append(cell("th", "figure", ""));
      chosen.forEach(function (index) {
        const name = cell("th", "", "number");
        const button = cell("button", columns[index].name, "");
        button.type = "button";
        button.title = "remove this column";
        button.addEventListener("click", function () {
          chosen = chosen.filter(function (other) { return other !== index; });
          show();
        });
        name.append(button);
        head.append(name);
      });
      const lines = [];
      const rows = document.createElement("tr");
      rows.append(cell("td", "rows", ""));
      chosen.forEach(function (index) { rows.append(cell("td", String(columns[index].rows), "number")); });
      lines.push(rows);
      columns[0].figures.forEach(function (figure, at) {
        const line = document.createElement("tr");
        line.append(cell("td", figure[0], ""));
        chosen.forEach(function (index) {
          const own = columns[index].figures[at];
          const made = cell("td", own[1] + " ", "number");
          made.append(cell("span", own[2], "range"));
          line.append(made);
        });
        lines.push(line);
      });
      table.tHead.replaceChildren(head);
      table.tBodies[0].replaceChildren.apply(table.tBodies[0], lines);
    }

    add.addEventListener("change", function () {
      const index = Number(add.value);
      if (add.value !== "" && !chosen.includes(index)) { chosen.push(index); show(); }
      add.value = "";
    });
    document.getElementById("side-clear").addEventListener("click", function () { chosen = []; show(); });
    show();
  }
}());
