"use strict";
// what scrolls can be reached by keyboard, and what does not is no stop on the way
const mark = () => {
  for (const box of document.querySelectorAll(".scroll, .scroll > table, .printed, .pan, pre, p:has(> math)")) {
    const scrolls = box.scrollWidth > box.clientWidth + 1 || box.scrollHeight > box.clientHeight + 1;
    if (scrolls) box.tabIndex = 0; else box.removeAttribute("tabindex");
  }
};
addEventListener("load", mark);
addEventListener("resize", mark);
addEventListener("toggle", mark, true);
mark();
