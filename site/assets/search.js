// Filters the index of all picks in the browser; the words typed never leave it.
(() => {
  const form = document.querySelector("form[role=search]");
  const input = form.querySelector("input");
  const status = document.getElementById("found");
  const list = document.getElementById("results");
  const fold = (text) => text.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase();
  let index;

  const load = () =>
    (index ??= fetch(form.dataset.index)
      .then((answer) => answer.json())
      .then((rows) =>
        rows.map((row) => ({ ...row, head: fold(row.title), all: fold([row.title, row.by, row.category, row.issue, row.text].join(" ")) })),
      ));

  const make = (tag, text, attributes = {}) => Object.assign(document.createElement(tag), { textContent: text, ...attributes });

  const show = (rows, asked) => {
    list.replaceChildren(
      ...rows.slice(0, 300).map((row) => {
        const item = make("li", "");
        item.append(
          make("a", row.title, { href: form.dataset.base.replace(/\/$/, "") + row.path }),
          make("span", [row.by, row.category, row.issue].filter(Boolean).join(" · "), { className: "who" }),
          make("p", row.text),
        );
        return item;
      }),
    );
    status.textContent = !asked ? "" : rows.length > 1 ? `${rows.length} ${form.dataset.some}` : rows.length ? form.dataset.one : form.dataset.none;
  };

  const search = async () => {
    const asked = fold(input.value).split(/\s+/).filter(Boolean);
    const rows = await load();
    const hits = asked.length ? rows.filter((row) => asked.every((word) => row.all.includes(word))) : [];
    const weight = (row) => asked.filter((word) => row.head.includes(word)).length;
    show(hits.sort((a, b) => weight(b) - weight(a)), asked.length);
    history.replaceState(null, "", asked.length ? `?q=${encodeURIComponent(input.value)}` : location.pathname);
  };

  form.addEventListener("submit", (event) => event.preventDefault());
  input.addEventListener("input", search);
  input.value = new URLSearchParams(location.search).get("q") ?? "";
  if (input.value) search();
  input.focus();
})();
