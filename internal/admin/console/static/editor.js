// The editor of the playground: line numbers, and problems 300 ms after typing stops.
export function edit(form) {
  const text = form.querySelector("textarea"), gutter = form.querySelector(".gutter"), found = form.querySelector("#found");
  const lines = () => text.value.split("\n").length;
  function number() {
    const n = lines();
    text.rows = n + 1;
    gutter.textContent = Array.from({length: n}, (_, i) => i + 1).join("\n");
  }
  function go(line, col) {
    const before = text.value.split("\n").slice(0, line - 1).join("\n");
    const at = (line > 1 ? before.length + 1 : 0) + Math.max(col - 1, 0);
    text.focus({preventScroll: true});
    text.setSelectionRange(at, at);
    const box = text.closest(".editor");
    box.scrollTop = Math.max((line - 5) * parseFloat(getComputedStyle(text).lineHeight), 0);
  }
  function problem(p) {
    const li = document.createElement("li"), a = document.createElement("a"), word = document.createElement("strong");
    li.className = p.severity === "error" ? "bad" : "warn";
    a.href = "#text";
    a.dataset.line = p.line;
    a.dataset.col = p.col;
    a.textContent = "Line " + p.line;
    word.textContent = p.severity + ":";
    li.append(a, " ", word, " ", p.message);
    if (p.hint) {
      const hint = document.createElement("span");
      hint.className = "hint";
      hint.textContent = " Hint: " + p.hint;
      li.append(hint);
    }
    return li;
  }
  let timer = 0, asked = 0;
  async function check() {
    const mine = ++asked;
    const body = new URLSearchParams({do: "check", text: text.value, version: form.elements.version.value});
    const answer = await fetch(form.action, {method: "POST", body, headers: {Accept: "application/json"}}).catch(() => null);
    if (mine !== asked || !answer) return;
    const result = await answer.json();
    if (!answer.ok) {
      found.textContent = result.detail ?? "The check did not work.";
      return;
    }
    if (result.problems.length) {
      const list = document.createElement("ul");
      list.className = "problems";
      list.append(...result.problems.map(problem));
      found.replaceChildren(list);
      return;
    }
    const failed = result.tests.filter((t) => !t.passed).length;
    found.textContent = "✔ No problems. " + (failed ? `✘ ${failed} of ${result.tests.length} tests fail.` : `${result.tests.length} tests pass.`);
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
  const first = Number(form.querySelector(".editor").dataset.line);
  if (first > 1) {
    const box = form.querySelector(".editor");
    box.scrollTop = (first - 2) * parseFloat(getComputedStyle(text).lineHeight);
  }
}
