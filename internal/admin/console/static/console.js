// Conveniences where scripts run. Pages work without.
import {follow} from "./feed.js";
import {edit} from "./editor.js";

const all = (selector, root = document) => [...root.querySelectorAll(selector)];

// Times are shown in the zone of whoever looks; UTC is on hover.
function localise(root = document) {
  const short = new Intl.DateTimeFormat(undefined, {day: "numeric", month: "short", hour: "2-digit", minute: "2-digit"});
  for (const t of all("time:not([data-ago]):not([data-local])", root)) {
    t.textContent = short.format(new Date(t.dateTime));
    t.dataset.local = "";
  }
}
localise();
for (const zone of all("[data-zone]")) zone.textContent = Intl.DateTimeFormat().resolvedOptions().timeZone;

for (const button of all("[data-copy], [data-copy-from]")) {
  if (!navigator.clipboard) break;
  button.hidden = false;
  button.addEventListener("click", async () => {
    const from = button.dataset.copyFrom;
    await navigator.clipboard.writeText(from ? document.getElementById(from).value : button.dataset.copy);
    const before = button.textContent;
    button.textContent = "Copied";
    setTimeout(() => { button.textContent = before; }, 2000);
  });
}

// The progress of a job.
const job = document.getElementById("job");
if (job?.dataset.state === "running") {
  const look = async () => {
    const answer = await fetch(job.dataset.job, {headers: {Accept: "application/json"}}).catch(() => null);
    if (!answer?.ok) return setTimeout(look, 5000);
    const now = await answer.json();
    if (now.state !== "running") return location.reload();
    job.querySelector("[data-done]").textContent = now.done;
    job.querySelector("[data-changed]").textContent = now.changed;
    job.querySelector("progress").value = now.done;
    setTimeout(look, 1000);
  };
  setTimeout(look, 500);
}

// Shortcuts. They can be turned off on the page Help.
const off = () => localStorage.getItem("heed-shortcuts") === "off";
for (const button of all("[data-shortcuts]")) {
  const say = () => { button.textContent = `Turn shortcuts ${off() ? "on" : "off"}`; };
  button.hidden = false;
  button.addEventListener("click", () => { localStorage.setItem("heed-shortcuts", off() ? "on" : "off"); say(); });
  say();
}
const places = {o: "", e: "events", r: "rules", d: "deliveries", p: "problems", l: "leaderboard"};
let going = 0;
function row(step) {
  const rows = all("[data-row] a"), at = rows.indexOf(document.activeElement);
  rows.at(at < 0 && step < 0 ? -1 : Math.max(at + step, 0))?.focus();
}
document.addEventListener("keydown", (e) => {
  if (off() || e.ctrlKey || e.metaKey || e.altKey || e.target.closest("input, textarea, select")) return;
  if (Date.now() - going < 1500 && e.key in places) return location.assign("/ui/" + places[e.key]);
  going = 0;
  switch (e.key) {
    case "/": document.getElementById("q")?.focus(); break;
    case "?": location.href = "/ui/help"; break;
    case "j": row(1); break;
    case "k": row(-1); break;
    case "x": document.activeElement.closest("tr")?.querySelector("[type=checkbox]")?.click(); break;
    case "g": going = Date.now(); break;
    default: return;
  }
  e.preventDefault();
});

const feed = document.getElementById("feed");
if (feed) follow(feed, localise);
const play = document.getElementById("play");
if (play) edit(play);
