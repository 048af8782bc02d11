// Swagger UI leaves some of its controls without a name, and what scrolls out of reach of the keyboard: mend both as it draws them.
"use strict";

const reference = document.getElementById("swagger-ui");
const names = reference.dataset;

function mend() {
  for (const [what, name] of [
    [".examples-select-element", names.example],
    [".copy-to-clipboard button", names.copy],
    [".body-param__text", names.body],
    [".close-modal", names.close],
  ]) {
    for (const control of reference.querySelectorAll(`${what}:not([aria-label])`)) control.setAttribute("aria-label", name);
  }
  for (const table of reference.querySelectorAll(".responses-table[role=region]:not([aria-label])")) {
    table.setAttribute("aria-label", `${names.responses}: ${table.id.replace(/_responses$/, "")}`);
  }
  for (const heading of reference.querySelectorAll(".auth-container h6:not([aria-level])")) heading.ariaLevel = 5; // the one before is an h4
  for (const sample of reference.querySelectorAll("pre.microlight:not([tabindex])")) sample.tabIndex = 0;
}

new MutationObserver(mend).observe(reference, { childList: true, subtree: true });
