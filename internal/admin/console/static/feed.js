// The live feed: new events come into the table, at most five a second. It pauses by
// its button, and while something is chosen, selected or has the focus in the table.
export function follow(feed, localise) {
  const body = document.querySelector("#events tbody");
  if (!body) return;
  const button = feed.querySelector("[data-pause]"), news = feed.querySelector("[data-news]");
  const maxRows = 200;
  const waiting = [];
  let paused = false, missed = 0, told = 0, fresh = 0;
  feed.hidden = false;

  const busy = () => paused || !getSelection().isCollapsed || body.contains(document.activeElement) || body.querySelector(":checked");
  const make = (tag, properties) => Object.assign(document.createElement(tag), properties);
  const link = (path, text) => {
    const dots = /^~*\.\.?$/.test(text) ? "~" : ""; // a browser takes .. for the page above
    return make("a", {
      href: path + dots + encodeURIComponent(text),
      textContent: harmless(text.length > 24 ? text.slice(0, 23) + "…" : text),
    });
  };
  const harmless = (text) => String(text ?? "").replace(/[\p{Cc}\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu, "·");
  function show(e) {
    const tr = make("tr", {className: "fresh"});
    const cell = (...parts) => { const td = tr.insertCell(); td.append(...parts); return td; };
    if (document.getElementById("chosen")) {
      const box = make("input", {type: "checkbox", name: "id", value: e.id, ariaLabel: "Choose " + harmless(e.id)});
      box.setAttribute("form", "chosen");
      cell(box);
    }
    cell(make("time", {dateTime: e.received_at, title: e.received_at}));
    cell(link("/ui/events/", e.id)).dataset.row = "";
    cell(harmless(e.type));
    cell(e.status + " " + harmless(e.reason));
    cell(e.user ? link("/ui/people/", e.user) : "");
    const rules = cell();
    for (const rule of e.rules ?? []) rules.append(link("/ui/rules/", rule), " ");
    body.prepend(tr);
    while (body.rows.length > maxRows) body.lastElementChild.remove();
  }
  function flush() {
    const late = waiting.length + missed;
    if (busy()) {
      if (late) news.textContent = `${late} new; they are shown when you go on.`;
      return;
    }
    waiting.splice(0).forEach(show);
    fresh += late;
    localise(body);
    // Whoever has this read aloud hears of it every 10 seconds at most.
    if (fresh && Date.now() - told > 10000) {
      news.textContent = `${fresh} new` + (missed ? `, ${missed} of them not shown: reload for all.` : ".");
      told = Date.now();
      fresh = missed = 0;
    }
  }
  button.addEventListener("click", () => {
    paused = !paused;
    button.setAttribute("aria-pressed", paused);
    button.textContent = paused ? "Go on with the live feed" : "Pause the live feed";
    flush();
  });
  const source = new EventSource(feed.dataset.stream);
  source.onmessage = (message) => {
    const f = JSON.parse(message.data);
    missed += f.more ?? 0;
    waiting.push(...f.events);
    if (waiting.length > maxRows) missed += waiting.splice(0, waiting.length - maxRows).length;
    flush();
  };
  setInterval(flush, 1000);
}
