// What Swagger UI leaves nameless or out of the keyboard's reach, as it draws it.

const drawn = document.getElementById("swagger-ui");

function mend() {
  for (const field of drawn.querySelectorAll("textarea:not([aria-label])")) {
    field.setAttribute("aria-label", "Request body");
  }
  for (const button of drawn.querySelectorAll(".copy-to-clipboard button:not([aria-label])")) {
    button.setAttribute("aria-label", "Copy");
  }
  for (const text of drawn.querySelectorAll("pre.microlight:not([tabindex])")) {
    text.tabIndex = 0; // it may scroll
  }
}

new MutationObserver(mend).observe(drawn, { childList: true, subtree: true });
