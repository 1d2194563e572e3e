// The editor of the playground: line numbers, and problems 300 ms after typing stops.
export function edit(form) {
  const text = form.querySelector("textarea"), gutter = form.querySelector(".gutter"), found = form.querySelector("#found");
  function number() {
    const n = text.value.split("\n").length;
    text.rows = n + 1;
    gutter.textContent = Array.from({length: n}, (_, i) => i + 1).join("\n");
  }
  const box = form.querySelector(".editor");
  const show = (line) => { box.scrollTop = Math.max((line - 3) * parseFloat(getComputedStyle(text).lineHeight), 0); };
  function go(line, col) {
    const before = text.value.split("\n").slice(0, line - 1);
    const at = before.reduce((n, l) => n + l.length + 1, 0) + Math.max(col - 1, 0);
    text.focus({preventScroll: true});
    text.setSelectionRange(at, at);
    show(line);
  }
  let timer = 0, asked = 0;
  async function check() {
    const mine = ++asked;
    const body = new URLSearchParams({do: "check", text: text.value, version: form.elements.version.value});
    const answer = await fetch(form.action, {method: "POST", body}).catch(() => null);
    if (mine !== asked || !answer) return;
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    found.replaceChildren(...(page.getElementById("found") ?? page.querySelector("main")).childNodes);
  }
  text.addEventListener("input", () => {
    number();
    clearTimeout(timer);
    if (!text.readOnly) timer = setTimeout(check, 300);
  });
  document.addEventListener("click", (e) => {
    const link = e.target.closest("a[data-line]");
    if (!link) return;
    e.preventDefault();
    go(Number(link.dataset.line), Number(link.dataset.col));
  });
  if (box.dataset.line > 1) show(Number(box.dataset.line));
}
