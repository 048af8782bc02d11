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

// Back to a page that named a mistake: a browser keeps the answer to a sent form as it was, without what was typed to mend it.
// The draft has it all, so ask for the page anew. (Browsers keep pages without mistakes themselves, or ask anew.)
window.addEventListener("pageshow", (event) => {
  const [arrival] = performance.getEntriesByType("navigation");
  if (!event.persisted && arrival?.type === "back_forward" && document.querySelector("[data-draft]") && document.getElementById("error-summary")) {
    window.location.replace(window.location.pathname);
  }
});
