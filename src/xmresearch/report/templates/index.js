"use strict";
const body = document.querySelector("tbody"), find = document.querySelector("#find"), status = document.querySelector("[role=status]");
if (body) {
  const rows = [...body.rows], texts = rows.map((row) => row.textContent.toLowerCase());
  find.parentElement.hidden = false;
  find.addEventListener("input", () => {
    const words = find.value.toLowerCase().split(/\s+/).filter(Boolean);
    rows.forEach((row, k) => { row.hidden = !words.every((word) => texts[k].includes(word)); });
    status.textContent = words.length ? status.dataset.words.replace("{}", rows.filter((row) => !row.hidden).length) : "";
  });
  for (const head of document.querySelectorAll("th[data-sortable]")) {
    const button = document.createElement("button"), column = head.cellIndex;
    button.type = "button";
    button.append(...head.childNodes);
    head.append(button);
    button.addEventListener("click", () => {
      const down = head.getAttribute("aria-sort") === "ascending";
      for (const other of head.parentElement.cells) other.removeAttribute("aria-sort");
      head.setAttribute("aria-sort", down ? "descending" : "ascending");
      const key = (row) => row.cells[column].dataset.key;
      const sorted = [...body.rows].sort((a, b) => key(a).localeCompare(key(b), undefined, { numeric: true }));
      body.append(...(down ? sorted.reverse() : sorted));
    });
  }
}
