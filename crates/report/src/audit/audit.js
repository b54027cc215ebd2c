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
}());
