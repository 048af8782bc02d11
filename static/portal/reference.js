// Swagger UI speaks English, leaves some of its controls without a name, and lets samples scroll out of reach of the keyboard:
// say its words in the page's language and mend the rest, each time that it has drawn something.
"use strict";

const reference = document.getElementById("swagger-ui");
const words = JSON.parse(reference.dataset.words); // by what Swagger UI says; nothing in English
const say = (text) => words[text] ?? text;
const SAMPLES = "pre, code, textarea, option, .renderedMarkdown, .opblock-summary-path, .opblock-summary-description";

function translate() {
  const texts = document.createTreeWalker(reference, NodeFilter.SHOW_TEXT);
  while (texts.nextNode()) {
    const node = texts.currentNode;
    const word = node.nodeValue.trim();
    if (word in words && !node.parentElement.closest(SAMPLES)) node.nodeValue = node.nodeValue.replace(word, words[word]);
  }
}

function mend() {
  if (Object.keys(words).length) translate();
  for (const [what, name] of [
    [".examples-select-element", say("Examples")],
    [".copy-to-clipboard button", say("Copy")],
    [".body-param__text", say("Request body")],
    [".close-modal", say("Close")],
    [".content-type", say("Media type")],
  ]) {
    for (const control of reference.querySelectorAll(`${what}:not([aria-label="${name}"])`)) control.setAttribute("aria-label", name);
  }
  for (const table of reference.querySelectorAll(".responses-table[role=region]:not([aria-label])")) {
    table.setAttribute("aria-label", `${say("Responses")}: ${table.id.replace(/_responses$/, "")}`);
  }
  for (const name of reference.querySelectorAll(".required:not([data-required])")) name.dataset.required = say("required");
  for (const heading of reference.querySelectorAll(".auth-container h6:not([aria-level])")) heading.ariaLevel = 5; // the one before is an h4
  for (const sample of reference.querySelectorAll("pre.microlight:not([tabindex])")) sample.tabIndex = 0;
}

new MutationObserver(mend).observe(reference, { childList: true, characterData: true, subtree: true });
