// Adds a button to each work that copies the address of its place on the page.
(() => {
  const body = document.querySelector(".issue .body[data-copy]");
  if (!body || !navigator.clipboard) return;
  for (const heading of body.querySelectorAll("h3[id], .notes li[id]")) {
    const button = Object.assign(document.createElement("button"), { type: "button", className: "copy", textContent: body.dataset.copy });
    button.setAttribute("aria-label", `${body.dataset.copy}: ${heading.querySelector("a, strong")?.textContent ?? heading.textContent}`);
    button.addEventListener("click", async () => {
      await navigator.clipboard.writeText(`${location.origin}${location.pathname}#${heading.id}`);
      button.textContent = body.dataset.copied;
      setTimeout(() => (button.textContent = body.dataset.copy), 2000);
    });
    const meta = heading.matches("li") ? heading : heading.nextElementSibling?.matches(".meta") ? heading.nextElementSibling : heading;
    meta.append(" · ", button);
  }
})();
