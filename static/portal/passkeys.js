// Joins the page's passkey button to allauth's script. Without scripts, or in a browser without passkeys, the button stays hidden.
"use strict";

const passkey = document.getElementById("passkey");
const problem = document.getElementById("passkey-problem");

if (passkey && window.PublicKeyCredential) {
  passkey.hidden = false;
  const credential = passkey.form.elements.credential.id;
  const ids = { add: "passkey", authenticate: "passkey", login: "passkey", credential, data: "js_data", passwordless: "id_passwordless" };
  window.allauth.webauthn.forms[passkey.dataset.passkey]({ ids });
  passkey.addEventListener("click", () => {
    problem.hidden = true;
  });
} else if (passkey) {
  document.getElementById("passkey-unsupported")?.removeAttribute("hidden");
}

// The person cancelled, or the device does not know the passkey: the browser does not say which.
document.addEventListener("allauth.error", (event) => {
  event.preventDefault();
  problem.hidden = false;
  problem.focus();
});
