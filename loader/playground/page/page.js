"use strict";

const $ = (id) => document.getElementById(id);
const WISHES = ["variant", "feed", "limit", "hide_viewed", "max_per_topic"];
const SHOWN_REASONS = 8;
let before = new Map();
let cursor = null;
let isFirstPage = true;
let asking = 0;
let shownUser = "";

function element(name, properties = {}, ...children) {
  const made = Object.assign(document.createElement(name), properties);
  made.append(...children);
  return made;
}

function say(text, isWrong = false) {
  $("status").textContent = text;
  $("status").classList.toggle("is-wrong", isWrong);
}

async function call(path, parameters, body) {
  const given = Object.entries(parameters || {}).filter(([, value]) => value !== "" && value !== null);
  const asked = body && { method: "POST", body: JSON.stringify(body), headers: { "Content-Type": "application/json", "X-Pgfeed": "playground" } };
  const reply = await fetch(`api/${path}?${new URLSearchParams(given)}`, asked);
  const answer = await reply.json();
  if (!reply.ok) throw new Error([answer.what, answer.cause, answer.next].filter(Boolean).join(". "));
  return answer;
}

/** Run what a person asked for; an error is said where the answer would be. */
async function attempt(work) {
  document.body.setAttribute("aria-busy", "true");
  const waiting = setTimeout(() => say("working ..."), 300);
  try {
    await work();
  } catch (error) {
    clearTimeout(waiting);
    say(error.message, true);
  } finally {
    clearTimeout(waiting);
    document.body.removeAttribute("aria-busy");
  }
}

const moment = () => `${$("at").value.trim().replace(" ", "T")}Z`;

function setMoment(date) {
  $("at").value = date.toISOString().slice(0, 19).replace("T", " ");
}

/** A later moment than the last event, so that it counts in the next call. */
function tick() {
  setMoment(new Date(Date.parse(moment()) + 1000));
}

const asked = () => ({ user: $("user").value, at: moment() });

function excerptOf(row) {
  return row.text || "(a post without text)";
}

async function showFeed(after = null) {
  const wishes = Object.fromEntries(WISHES.map((name) => [name, $(name).value]));
  const mine = ++asking;
  const { user, at } = asked();
  const answer = await call("feed", { user, at, ...wishes, after });
  if (mine !== asking) return;  // something newer was asked for
  shownUser = user;
  cursor = answer.rows.length ? answer.rows[answer.rows.length - 1].cursor : null;
  const places = new Map(answer.rows.map((row) => [row.post, row.rank]));
  $("posts").replaceChildren(...answer.rows.map((row) => cardOf(row, after ? null : before)));
  isFirstPage = !after;
  if (isFirstPage) before = places;
  $("sql").textContent = answer.sql;
  $("next").hidden = answer.rows.length < Number($("limit").value);
  $("first").hidden = isFirstPage;
  const source = answer.rows.length ? `, by ${[...new Set(answer.rows.map((row) => row.source))].join(" and ")}` : "";
  say(`${answer.rows.length} posts in ${answer.ms} ms${source}`);
  await showUser();
}

function moved(row, places) {
  if (!places || !places.size) return "";
  if (!places.has(row.post)) return "new here";
  const up = places.get(row.post) - row.rank;
  return up ? `${up > 0 ? "▲" : "▼"} ${Math.abs(up)}` : "";
}

function button(name, work, label) {
  const made = element("button", { type: "button", textContent: name });
  if (label) made.setAttribute("aria-label", label);
  made.addEventListener("click", () => attempt(work));
  return made;
}

function cardOf(row, places) {
  const change = moved(row, places);
  const text = element("p", { className: "text is-short", textContent: excerptOf(row) });
  const card = element("li", { className: "post" + (change === "new here" ? " is-new" : "") });
  card.dataset.post = row.post;
  const heading = element("h3", {}, `${row.rank}. post ${row.post}`);
  if (row.topic) heading.append(element("span", { className: "chip", textContent: row.topic }));
  if (change) heading.append(element("span", { className: "moved", textContent: change }));
  const open = button("Open", async () => {
    const isShort = text.classList.toggle("is-short");
    open.textContent = isShort ? "Open" : "Close";
    open.setAttribute("aria-label", `${open.textContent} post ${row.post}`);
    if (!isShort && isRecording) await act(row, ["view"], false);
  }, `Open post ${row.post}`);
  const why = button("Why?", () => toggleWhy(card, row), `Why post ${row.post}?`);
  why.setAttribute("aria-expanded", "false");
  const deeds = actions.map((action) => button(action[0].toUpperCase() + action.slice(1),
    () => act(row, action === "like" ? ["view", "like"] : [action]), `${action} post ${row.post}`));
  card.append(heading, text, element("div", { className: "row" }, ...deeds, open, why,
    button("Similar", () => showSimilar(row), `Posts similar to post ${row.post}`)));
  return card;
}

async function act(row, names, isShownAgain = true) {
  for (const action of names) {
    const event = { user: shownUser, post: row.post, at: moment(), action };
    await call("events", {}, event);
    log(event);
  }
  tick();
  if (isShownAgain) {
    await showFeed();
    $("posts").focus();
  }
}

function log(event) {
  $("nothing").hidden = true;
  const line = element("li", {}, element("span", {}, `${event.action} of post ${event.post} by user ${event.user}, ${event.at.slice(0, 19).replace("T", " ")}`));
  line.append(button("Take back", async () => {
    await call("events/delete", {}, event);
    line.remove();
    $("nothing").hidden = $("log").children.length > 0;
    await showFeed();
    $("posts").focus();
  }, `Take back: ${event.action} of post ${event.post}`));
  $("log").prepend(line);
}

async function toggleWhy(card, row) {
  const shown = card.querySelector(".why");
  card.querySelector("[aria-expanded]").setAttribute("aria-expanded", String(!shown));
  if (shown) return shown.remove();
  const { rows } = await call("why", { ...asked(), variant: row.variant, feed: $("feed").value, post: row.post });
  const because = rows.find((each) => each.because)?.because;
  const parts = rows.filter((each) => each.feature !== "(average)" && Math.abs(each.contribution) >= 0.005);
  const most = Math.max(...parts.map((each) => Math.abs(each.contribution)), 1e-9);
  const body = element("tbody", {}, ...parts.slice(0, SHOWN_REASONS).map((each) => reasonOf(each, most)));
  const table = element("table", {}, body);
  table.setAttribute("aria-label", `The largest contributions to the score of post ${row.post}`);
  card.append(element("div", { className: "why" },
    element("p", { textContent: because || "No single reason stands out." }), table,
    element("p", { className: "note", textContent: "How much more each adds to the log-odds of a like than for other posts." })));
}

function reasonOf(each, most) {
  const kind = each.contribution > 0 ? "up" : "down";
  const width = 50 * Math.abs(each.contribution) / most;
  const space = "http://www.w3.org/2000/svg";
  const svg = document.createElementNS(space, "svg");
  svg.setAttribute("viewBox", "0 0 100 10");
  svg.setAttribute("preserveAspectRatio", "none");
  svg.setAttribute("aria-hidden", "true");
  const bar = document.createElementNS(space, "rect");
  Object.entries({ x: kind === "up" ? 50 : 50 - width, y: 1, width, height: 8, class: kind })
    .forEach(([name, value]) => bar.setAttribute(name, value));
  svg.append(bar);
  const sign = each.contribution > 0 ? "+" : "−";
  return element("tr", {}, element("td", { textContent: each.label }),
    element("td", { className: kind, textContent: sign + Math.abs(each.contribution).toFixed(2) }), element("td", {}, svg));
}

const line = (text) => element("li", {}, element("span", { textContent: text }));

function showNear(title, rows) {
  $("found").hidden = false;
  $("found-title").textContent = title;
  $("near").replaceChildren(...rows.map((row) => line(
    `${row.post} · ${row.topic || "no topic"} · ${Number(row.similarity).toFixed(2)} · ${excerptOf(row)}`)));
  $("found").scrollIntoView({ block: "nearest" });
}

async function showSimilar(row) {
  showNear(`Similar to post ${row.post}`, (await call("similar", { post: row.post })).rows);
}

async function showUser() {
  const mine = asking;
  const { profile, likes } = await call("user", asked());
  if (mine !== asking) return;
  const known = profile && ["age", "gender", "country", "city", "os", "source"].filter((name) => profile[name] !== null)
    .map((name) => `${name} ${profile[name]}`);
  $("profile").textContent = profile ? known.join(", ") : "not known: gets what is popular";
  $("likes").replaceChildren(...likes.map((row) => line(
    `${row.at.slice(0, 16).replace("T", " ")} · ${row.topic || "no topic"} · ${excerptOf(row)}`)));
  if (!likes.length) $("likes").append(element("li", { className: "note", textContent: "nothing" }));
}

function fill(select, names) {
  $(select).append(...names.map((name) => element("option", { value: name, textContent: name })));
}

let actions = ["like"];
let isRecording = true;

async function start() {
  const overview = await call("overview");
  isRecording = !overview.has_events_elsewhere;
  actions = isRecording ? overview.actions : [];
  $("users").append(...overview.users.map((value) => element("option", { value })));
  $("user").value = overview.users[0] || "1";
  fill("variant", [...overview.variants, ...overview.without_model]);
  $("variant").value = overview.variants.includes("test") ? "test" : $("variant").value;
  fill("feed", overview.feeds);
  $("more").open = matchMedia("(min-width: 700px)").matches;
  $("inventing").hidden = overview.has_users_elsewhere;
  setMoment(overview.moment ? new Date(overview.moment) : new Date());
  await showFeed();
}

$("settings").addEventListener("submit", (event) => {
  event.preventDefault();
  before = new Map();
  attempt(showFeed);
});
$("settings").addEventListener("change", (event) => {
  if (event.target.closest("#inventing") || !$("settings").checkValidity()) return;
  if (event.target.id === "user") before = new Map();
  attempt(showFeed);
});
document.querySelectorAll("[data-hours]").forEach((each) => each.addEventListener("click", () => {
  setMoment(new Date(Date.parse(moment()) + Number(each.dataset.hours) * 3600000));
  attempt(showFeed);
}));
$("now").addEventListener("click", () => {
  setMoment(new Date());
  attempt(showFeed);
});
$("next").addEventListener("click", () => attempt(async () => {
  await showFeed(cursor);
  $("posts").focus();
}));
$("first").addEventListener("click", () => attempt(async () => {
  await showFeed();
  $("posts").focus();
}));
$("copy").addEventListener("click", () => attempt(async () => {
  await navigator.clipboard.writeText($("sql").textContent);
  say("copied");
}));
$("invent").addEventListener("click", () => attempt(async () => {
  const number = (id) => ($(id).value === "" ? null : Number($(id).value));
  const text = (id) => $(id).value.trim() || null;
  const { rows } = await call("users", {}, { age: number("age"), gender: number("gender"), country: text("country"), city: text("city") });
  $("user").value = rows[0].user;
  before = new Map();
  await showFeed();
}));
$("searching").addEventListener("submit", (event) => {
  event.preventDefault();
  attempt(async () => showNear(`Nearest to “${$("text").value}”`, (await call("search", { text: $("text").value })).rows));
});
attempt(start);
