// A form is sent once: until the next page is there, its buttons do not send it again.
// Without this script everything works; the server answers a repeated request as it answers the first.
"use strict";

const sending = new Map();

function restore(form) {
  sending.get(form)?.removeAttribute("aria-disabled");
  sending.delete(form);
}

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (event.defaultPrevented || form.method !== "post" || form.target) {
    return;
  }
  if (sending.has(form)) {
    event.preventDefault();
    return;
  }
  // aria-disabled, not disabled: the button keeps the focus, and its name and value are sent.
  event.submitter?.setAttribute("aria-disabled", "true");
  sending.set(form, event.submitter);
});

// Back to a page that the browser kept: it can be sent again.
window.addEventListener("pageshow", () => [...sending.keys()].forEach(restore));

// Back to a page that says what is wrong with a form, once that was mended: the browser kept how it was, so ask how it is now. (The steps of
// a draft need no script for that: they are shown from the draft.) `sent`: the page whose wrong form was sent again; `mended`: without mistakes.
const here = location.pathname + location.search;
document.addEventListener("submit", (event) => {
  if (!event.defaultPrevented && document.getElementById("error-summary")) {
    sessionStorage.setItem("sent", here);
  }
});
// Noted at once and not when all of the page is there: somebody may go back before.
if (sessionStorage.getItem("sent") && !document.getElementById("error-summary")) {
  sessionStorage.setItem("mended", sessionStorage.getItem("sent"));
}
window.addEventListener("pageshow", (event) => {
  const again = event.persisted || performance.getEntriesByType("navigation")[0]?.type === "back_forward";
  const wrong = document.getElementById("error-summary");
  sessionStorage.removeItem("sent");
  if (wrong && again && sessionStorage.getItem("mended") === here) {
    sessionStorage.removeItem("mended");
    location.replace(here);
  } else if (wrong && !again) {
    sessionStorage.removeItem("mended");
  }
});

// What is shown of another field follows that field while it is typed, for example the person who accepted.
document.addEventListener("input", (event) => {
  for (const place of document.querySelectorAll("[data-shows]")) {
    const fields = place.dataset.shows.split(" ").map((id) => document.getElementById(id));
    if (fields.includes(event.target)) {
      const words = fields.map((field) => field.value.trim());
      const hangul = /\p{Script=Hangul}/u;
      const familyFirst = words.length === 2 && words.every((word) => hangul.test(word));
      place.textContent = familyFirst ? words[1] + words[0] : words.join(" ");
    }
  }
});

// Language or appearance are switched in the middle of a form: what was typed goes along. Most pages bind the switch to their form themselves;
// this does it for a form that came later, and where there are several, for the one in which something was typed.
function isTyped(field) {
  return ["checkbox", "radio"].includes(field.type) ? field.checked !== field.defaultChecked : field.value !== (field.defaultValue ?? field.value);
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("button[name^=portal_]");
  const forms = [...document.querySelectorAll("main form[method=post]")].filter((form) => !form.querySelector("[type=password]"));
  const typed = button && forms.find((form) => form.id === "typed" || [...form.elements].some(isTyped));
  if (typed && button.form !== typed) {
    button.formAction = button.form.action;
    button.formNoValidate = true;
    typed.id ||= "typed";
    button.setAttribute("form", typed.id);
  }
});

// The page has another address now: a switch leads back to that.
document.addEventListener("htmx:pushedIntoHistory", (event) => {
  for (const form of document.querySelectorAll("form:has(button[name^=portal_])")) {
    const address = new URL(form.action);
    address.searchParams.set("next", event.detail.path);
    form.action = address.href;
  }
});

// Lines to copy. The buttons stay hidden without a script, or without a clipboard for it (a page without HTTPS).
for (const button of document.querySelectorAll("[data-copies]")) {
  button.hidden = !navigator.clipboard;
}
document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copies]");
  if (button) {
    await navigator.clipboard.writeText(document.getElementById(button.dataset.copies).textContent);
    button.parentElement.querySelector("[role=status]").textContent = button.dataset.copied;
  }
});

// Typed before the scripts had come, or put back by the browser: look it up now.
document.addEventListener("htmx:load", (event) => {
  for (const field of event.target.querySelectorAll("form[hx-get] input[type=search]")) {
    if (field.value !== field.defaultValue) {
      field.dispatchEvent(new Event("input", { bubbles: true }));
    }
  }
});
