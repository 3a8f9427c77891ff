// The views: what is chosen is in `state`; every change goes through `update`, which fills the charts and tables anew.

const page = JSON.parse(document.getElementById("data").textContent);
const fields = page.fields.map((told) => {
  const field = { ...told, group: unpacked(told.group), bracket: unpacked(told.bracket), lot: unpacked(told.lot) };
  for (const [name, { names, codes }] of Object.entries(told.features)) field.features[name] = { names, codes: unpacked(codes) };
  for (const held of Object.values(field.contests)) {
    held.scores = held.scores.map(unpacked);
    for (const key of ["final", "rank", "winner", "reason", "judged", "eligible", "scope"]) held[key] = unpacked(held[key]);
  }
  return field;
});
const colours = Object.fromEntries(page.groups.map((group, i) => [group, page.colours[i % page.colours.length]]));
const state = { setting: page.settings[0] ?? "", condition: null, group: null, run: null, range: null, one: null, places: null, rule: null, weights: {} };
const views = {}, first = {}; // Vega's views by name; before there are any, what they begin with
const MOST = 40; // rows of people in a table

const $ = (id) => document.getElementById(id);
const unique = (values) => [...new Set(values)];
const percent = (v, digits = 0) => (Number.isFinite(v) ? `${(100 * v).toFixed(digits)} %` : "–");
const number = (v) => (Number.isFinite(v) ? String(Number(v.toPrecision(4))).replace("-", "−") : "–");
const plural = (n, word) => `${n.toLocaleString("en")} ${word}${n === 1 ? "" : "s"}`;
const words = (name) => name.replaceAll("_", " ");
const mean = (values) => values.reduce((a, b) => a + b, 0) / values.length;

function el(tag, { attributes = {}, ...options } = {}, ...children) {
  const node = Object.assign(document.createElement(tag), options);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  node.append(...children);
  return node;
}

// rows: arrays of cells (text, or an element); numeric: columns set flush right
function fill(table, caption, heads, rows, numeric = [], here = () => false) {
  const kind = (i) => (numeric.includes(i) ? "n" : "");
  table.replaceChildren();
  if (!rows.length) return;
  if (caption) table.append(el("caption", {}, caption));
  table.append(el("thead", {}, el("tr", {}, ...heads.map((head, i) => el("th", { className: kind(i), scope: "col" }, head)))));
  table.append(el("tbody", {}, ...rows.map((row) => el("tr", { className: here(row) ? "here" : "" }, ...row.map((cell, i) => el("td", { className: kind(i) }, cell ?? "–"))))));
}

// Fields whose people are shown, of what is chosen.
const chosen = () => fields.filter((f) => f.setting === state.setting && (state.run === null || f.run === state.run));
const condition = () => state.condition ?? page.conditions[0];
const runs = () => unique(page.shares.filter((row) => row.setting === state.setting).map((row) => row.run));
const ofGroup = (field, i) => state.group === null || page.groups[field.group[i]] === state.group;

// What ranked under a condition; where only the winners are known, the first score there is.
function counted(held) {
  if (held.final.some(Number.isFinite)) return { name: held.judges.length > 1 ? "score of the panel" : `score of ${held.judges[0]}`, values: held.final };
  return { name: `score of ${held.judges[0]}`, values: held.scores[0] };
}

// 1 ---------------------------------------------------------------------------------------------------------------

function sharesRows() {
  const here = page.shares.filter((row) => row.setting === state.setting && row.of > 0);
  const on = (row) => (state.condition === null || row.condition === state.condition) && (state.group === null || row.group === state.group);
  const rows = [];
  for (const c of page.conditions) {
    for (const g of page.groups) {
      const mine = here.filter((row) => row.condition === c && row.group === g);
      if (!mine.length) continue;
      for (const row of mine) {
        rows.push({ ...row, kind: "run", share: row.winners / row.of, told: `${row.winners} of ${row.of}`, on: on(row) && (state.run === null || row.run === state.run) });
      }
      rows.push({ kind: "mean", condition: c, group: g, share: mean(mine.map((row) => row.winners / row.of)), told: plural(mine.length, "run"), on: on(mine[0]) });
      rows.push({ kind: "entered", condition: c, group: g, share: page.entered[g] });
    }
  }
  return rows;
}

function sharesTable(rows) {
  const means = rows.filter((row) => row.kind === "mean" && row.on);
  fill($("shares-table"), "Share of the winners, mean over runs, least and most.", ["condition", page.feature, "mean", "least", "most", "runs", "of those who entered"],
    means.map((row) => {
      const mine = rows.filter((r) => r.kind === "run" && r.condition === row.condition && r.group === row.group).map((r) => r.share);
      return [row.condition, row.group, percent(row.share, 1), percent(Math.min(...mine), 1), percent(Math.max(...mine), 1), String(mine.length), percent(page.entered[row.group], 1)];
    }), [2, 3, 4, 5, 6]);
}

function chips(legend, key, values, swatch) {
  const buttons = values.map((value) => {
    const dot = swatch ? [el("span", { className: "swatch", style: `background:${colours[value]}` })] : [];
    return el("button", { type: "button", onclick: () => update({ [key]: state[key] === value ? null : value }), attributes: { "aria-pressed": state[key] === value, "data-filter": key, "data-value": value } }, ...dot, value);
  });
  return el("fieldset", {}, el("legend", {}, legend), ...buttons);
}

function filters() {
  const focused = document.activeElement?.dataset ?? {};
  const parts = [];
  if (page.settings.length > 1) {
    const select = el("select", { onchange: (e) => update({ setting: e.target.value, run: null, one: null }) }, ...page.settings.map((s) => el("option", { value: s, selected: s === state.setting }, s || "–")));
    select.id = "setting";
    parts.push(el("label", {}, "setting", select));
  }
  parts.push(chips("condition", "condition", page.conditions), chips(page.feature, "group", page.groups, true));
  const all = runs();
  if (all.length > 24) {
    const select = el("select", { id: "run", onchange: (e) => update({ run: e.target.value || null }) }, el("option", { value: "" }, "all"), ...all.map((r) => el("option", { value: r, selected: r === state.run }, r)));
    parts.push(el("label", {}, "run", select));
  } else if (all.length > 1) parts.push(chips("run", "run", all));
  parts.push(el("button", { type: "button", id: "everything", disabled: !state.condition && !state.group && !state.run, onclick: () => update({ condition: null, group: null, run: null }) }, "show everything"));
  $("filters").replaceChildren(...parts);
  if (focused.filter) $("filters").querySelector(`[data-filter="${focused.filter}"][data-value="${CSS.escape(focused.value)}"]`)?.focus({ preventScroll: true });
}

// 2 ---------------------------------------------------------------------------------------------------------------

function entries() {
  const out = [];
  for (const field of chosen()) {
    const held = field.contests[condition()];
    if (!held) continue;
    const { values } = counted(held);
    values.forEach((score, i) => { if (Number.isFinite(score) && ofGroup(field, i)) out.push({ field, held, i, score }); });
  }
  return out;
}

function bins(people, count = 44) {
  const scores = people.map((p) => p.score);
  let low = Infinity, high = -Infinity;
  for (const s of scores) { if (s < low) low = s; if (s > high) high = s; }
  if (!people.length) return [];
  const width = (high - low || 1) / count, cells = new Map();
  for (const p of people) {
    const at = Math.min(count - 1, Math.floor((p.score - low) / width)), won = p.held.winner[p.i] ? "winner" : "did not win";
    cells.set(`${at} ${won}`, (cells.get(`${at} ${won}`) ?? 0) + 1);
  }
  return [...cells].map(([key, n]) => {
    const at = parseInt(key, 10);
    return { low: low + at * width, high: low + (at + 1) * width, won: key.slice(String(at).length + 1), n };
  });
}

function inside(everybody) {
  const [from, to] = state.range ?? [-Infinity, Infinity];
  const people = everybody.filter((p) => p.score >= from && p.score <= to);
  const of = (list, g) => list.filter((p) => page.groups[p.field.group[p.i]] === g);
  const won = people.filter((p) => p.held.winner[p.i]).length;
  $("inside-said").textContent = `${state.range ? `From ${Number.isFinite(from) ? number(from) : "the lowest"} to ${Number.isFinite(to) ? number(to) : "the highest"}` : "All scores"}: ${plural(people.length, "entrant")}, ${plural(won, "winner")}.`;
  const groups = page.groups.filter((g) => of(everybody, g).length);
  const rows = groups.map((g) => {
    const mine = of(people, g), ranks = mine.map((p) => p.held.rank[p.i]).filter((r) => r > 0).sort((a, b) => a - b);
    return { group: g, n: mine.length, share: people.length ? mine.length / people.length : 0, all: of(everybody, g).length / everybody.length, told: `${mine.length} of ${people.length}`,
      won: mine.filter((p) => p.held.winner[p.i]).length, best: ranks[0], median: ranks[ranks.length >> 1] };
  });
  fill($("inside-table"), "Who is in the range.", [page.feature, "in the range", "share", "of all", "winners", "best place", "median place"],
    rows.map((r) => [r.group, String(r.n), percent(r.share, 1), percent(r.all, 1), String(r.won), r.best ? String(r.best) : "–", r.median ? String(r.median) : "–"]), [1, 2, 3, 4, 5, 6]);
  people.sort((a, b) => b.score - a.score);
  const several = fields.length > 1;
  const brackets = people.some((p) => p.field.brackets.length > 1);
  const heads = ["contestant", ...(several ? ["run"] : []), page.feature, ...(brackets ? ["bracket"] : []), "score", "place", "won"];
  fill($("people"), "", heads,
    people.slice(0, MOST).map((p) => [follow(p.field, p.i), ...(several ? [p.field.run] : []), page.groups[p.field.group[p.i]], ...(brackets ? [p.field.brackets[p.field.bracket[p.i]]] : []),
      number(p.score), p.held.rank[p.i] ? String(p.held.rank[p.i]) : "–", p.held.winner[p.i] ? "yes" : "no"]), [heads.length - 3, heads.length - 2]);
  $("people-note").textContent = people.length > MOST ? `The ${MOST} of the highest scores; ${(people.length - MOST).toLocaleString("en")} more are in the range.` : "";
  return rows;
}

const follow = (field, i) => el("button", { type: "button", title: "follow through gate, judges, panel and ranks", onclick: () => { update({ one: { field, i } }); $("s3").scrollIntoView({ block: "start" }); } }, field.ids[i]);

// 3 ---------------------------------------------------------------------------------------------------------------

// Share of the others that are below, ties half; NaN without a value of one's own.
function below(values, i) {
  if (!Number.isFinite(values[i])) return NaN;
  let less = 0, n = 0;
  values.forEach((v, j) => { if (j !== i && Number.isFinite(v)) { n += 1; less += v < values[i] ? 1 : v === values[i] ? 0.5 : 0; } });
  return n ? less / n : NaN;
}

const bracketSize = (field, held, i) => held.sizes[field.brackets[field.bracket[i]]] ?? 0;

function path({ field, i }) {
  const rows = [], judges = unique(page.conditions.flatMap((c) => (field.contests[c]?.panel.rule === "score" && field.contests[c].judges.length === 1 && c === "truth" ? [] : field.contests[c]?.judges ?? [])));
  for (const c of page.conditions) {
    const held = field.contests[c];
    if (!held) continue;
    held.judges.forEach((judge, j) => {
      const at = judges.indexOf(judge);
      if (at >= 0) rows.push({ condition: c, step: judge, place: at, below: below(held.scores[j], i), told: number(held.scores[j][i]) });
    });
    if (held.panel.rule !== "score") rows.push({ condition: c, step: "panel", place: judges.length, below: below(held.final, i), told: number(held.final[i]) });
    const n = bracketSize(field, held, i), rank = held.rank[i];
    if (rank) rows.push({ condition: c, step: "bracket", place: judges.length + 1, below: n > 1 ? (n - rank) / (n - 1) : 1, told: `place ${rank} of ${n}` });
  }
  return { rows: rows.filter((row) => Number.isFinite(row.below)), judges };
}

function oneTable({ field, i }, judges) {
  const again = state.places !== null || state.rule !== null;
  const panels = page.conditions.some((c) => field.contests[c] && field.contests[c].panel.rule !== "score");
  const rows = page.conditions.filter((c) => field.contests[c]).map((c) => {
    const held = field.contests[c], reason = held.reasons[held.reason[i]];
    const gate = reason.startsWith("gate: ") ? reason.slice(6) : !held.gated ? "no gate" : "let through";
    const scores = judges.map((judge) => { const j = held.judges.indexOf(judge); return j < 0 ? "–" : number(held.scores[j][i]); });
    const place = held.rank[i] ? `${held.rank[i]} of ${bracketSize(field, held, i)}` : reason && !reason.startsWith("gate: ") ? reason : "–";
    let new_ = [];
    if (again) { const out = heldAgain(field, c); new_ = [out ? (out.rank[i] ? `${out.rank[i]}${out.winner[i] ? ", wins" : ""}` : "–") : "–"]; }
    return [c, gate, ...scores, ...(panels ? [held.panel.rule === "score" ? "–" : number(held.final[i])] : []), place, held.winner[i] ? "yes" : "no", ...new_];
  });
  const heads = ["condition", "gate", ...judges, ...(panels ? ["panel"] : []), "place", "won", ...(again ? ["held again"] : [])];
  fill($("one-table"), "", heads, rows, heads.map((_, at) => at).slice(2, 2 + judges.length + (panels ? 1 : 0)));
}

function one() {
  const here = fields.filter((f) => f.setting === state.setting);
  if (state.one && !here.includes(state.one.field)) state.one = null;
  const field = state.one?.field ?? chosen()[0] ?? here[0];
  const select = $("run-of");
  select.replaceChildren(...here.map((f, at) => el("option", { value: at, selected: f === field }, f.run)));
  select.parentElement.hidden = here.length < 2;
  if (!field) { $("one-said").textContent = "No entrants of these runs are on the page."; return []; }
  if (select.dataset.field !== field.setting + field.run) {
    select.dataset.field = field.setting + field.run;
    $("contestants").replaceChildren(...field.ids.slice(0, 2000).map((id) => el("option", { value: id })));
  }
  const held = field.contests[condition()] ?? Object.values(field.contests)[0];
  let i = state.one?.i;
  if (i === undefined) {  // whom the condition has first: the winner of the first bracket
    i = held.rank.findIndex((r, j) => r === 1 && ofGroup(field, j));
    if (i < 0) i = 0;
  }
  const who = { field, i };
  one.shown = who;
  $("contestant").value = field.ids[i];
  const facts = Object.entries(field.features).map(([name, { names, codes }]) => `${words(name)} ${names[codes[i]]}`);
  const wins = page.conditions.filter((c) => field.contests[c]?.winner[i]);
  $("one-said").textContent = `${field.ids[i]}${fields.length > 1 ? `, ${field.run}` : ""}: ${[`${words(page.feature)} ${page.groups[field.group[i]]}`, ...facts].join(", ")}. ${wins.length ? `Wins under ${wins.join(", ")}.` : "Wins under no condition."}`;
  const face = field.faces[i];
  $("face").hidden = !face;
  if (face) Object.assign($("face"), { src: face, alt: `the contestant ${field.ids[i]}` });
  const { rows, judges } = path(who);
  oneTable(who, judges);
  return rows;
}

function step(by) {
  const { field, i } = one.shown, held = field.contests[condition()];
  const same = held.rank[i] > 0 && held.rank.findIndex((r, j) => r === held.rank[i] + by && field.bracket[j] === field.bracket[i]);
  if (same !== false && same >= 0) return update({ one: { field, i: same } });
  return update({ one: { field, i: (i + by + field.ids.length) % field.ids.length } });
}

// 4 ---------------------------------------------------------------------------------------------------------------

const RULES = { "": "each as held", weights: "weighted mean of z-scores", mean_rank: "mean rank", borda: "Borda count", minimum: "worst z-score" };
const panelled = () => unique(fields.flatMap((f) => Object.values(f.contests).filter((h) => h.panel.rule !== "score" && !h.fixed).flatMap((h) => h.judges)));

// Settings of a contest's panel: those chosen, or its own.
function settingsOf(held) {
  if (state.rule === null || held.panel.rule === "score") return held.panel;
  return { ...held.panel, rule: state.rule, weights: Object.fromEntries(held.judges.map((j) => [j, state.weights[j] ?? 1])) };
}

// Rank and winner under what is chosen; null where the contest cannot be held again.
function heldAgain(field, c) {
  const held = field.contests[c];
  if (!held || held.fixed) return null;
  const settings = settingsOf(held), places = state.places ?? field.places;
  const key = JSON.stringify([settings, places]);
  if (held.last?.key !== key) {
    const score = panelScores(held, settings);
    held.last = { key, score, ...ranked(field, held, score, places) };
  }
  return held.last;
}

function controls() {
  const judges = panelled(), here = chosen(), places = state.places ?? here[0]?.places ?? 1;
  const change = (changes) => () => requestAnimationFrame(() => update(changes()));
  const parts = [el("label", {}, "places a bracket", el("input", { type: "number", id: "places", min: 1, step: 1, value: places, onchange: (e) => update({ places: Math.max(1, Math.round(Number(e.target.value)) || 1) }) }))];
  if (judges.length > 1) {
    const select = el("select", { id: "rule", onchange: (e) => update({ rule: e.target.value || null }) }, ...Object.entries(RULES).map(([value, text]) => el("option", { value, selected: (state.rule ?? "") === value }, text)));
    parts.push(el("label", {}, "panel", select));
  }
  parts.push(el("button", { type: "button", id: "as-held", onclick: () => { state.weights = {}; $("what").replaceChildren(); update({ places: null, rule: null }); } }, "as held"));
  if (judges.length > 1) {
    const weights = el("div", { className: "weights" });
    for (const judge of judges) {
      const own = fields.flatMap((f) => Object.values(f.contests)).find((h) => judge in h.panel.weights)?.panel.weights[judge] ?? 1;
      state.weights[judge] ??= own;
      const out = el("output", {}, String(state.weights[judge]));
      const slider = el("input", { type: "range", min: 0, max: 4, step: 0.25, attributes: { "data-judge": judge, "aria-label": `weight of ${judge}` } });
      slider.value = state.weights[judge];
      slider.oninput = change(() => { state.weights[judge] = Number(slider.value); out.textContent = slider.value; return { rule: state.rule ?? "weights" }; });
      weights.append(el("label", { className: "weight" }, el("span", {}, judge), slider, out));
    }
    parts.push(weights);
    parts.push(el("p", { className: "note", style: "flex-basis:100%;margin:.2rem 0" }, "Weights count in the weighted mean; under the other rules who weighs 0 does not sit, and all others count alike."));
  }
  $("what").replaceChildren(...parts);
}

function again() {
  if (!$("what").childElementCount) controls();
  const rule = $("rule");
  if (rule) rule.value = state.rule ?? "";
  const here = chosen(), rows = [], changed = [], fixed = new Map(), places = state.places ?? here[0]?.places ?? 1;
  if (document.activeElement !== $("places")) $("places").value = places;
  const nobody = state.rule !== null && !panelled().some((j) => (state.weights[j] ?? 1) > 0);
  for (const c of page.conditions) {
    if (state.condition !== null && c !== state.condition) continue;
    const outs = here.map((field) => ({ field, held: field.contests[c], out: heldAgain(field, c) })).filter(({ held }) => held);
    for (const { held } of outs) if (held.fixed) fixed.set(held.fixed, unique([...(fixed.get(held.fixed) ?? []), c]));
    const able = outs.filter(({ out }) => out);
    if (!able.length) continue;
    page.groups.forEach((g, code) => {
      if (state.group !== null && g !== state.group) return;
      const share = (winner, field) => {
        let mine = 0, all = 0;
        winner.forEach((w, i) => { if (w) { all += 1; if (field.group[i] === code) mine += 1; } });
        return { mine, share: all ? mine / all : NaN };
      };
      const before = able.map(({ field, held }) => share(held.winner, field)), after = able.map(({ field, out }) => share(out.winner, field));
      const row = { condition: c, group: g, before: mean(before.map((s) => s.share)), after: mean(after.map((s) => s.share)), told: plural(able.length, "run"),
        was: before.reduce((a, s) => a + s.mine, 0), now: after.reduce((a, s) => a + s.mine, 0) };
      if (Number.isFinite(row.before) && Number.isFinite(row.after)) rows.push(row);
    });
    for (const { field, held, out } of able) {
      out.winner.forEach((w, i) => {
        if (w !== held.winner[i] && ofGroup(field, i)) changed.push({ c, field, i, was: held.rank[i], now: out.rank[i], gains: w });
      });
    }
  }
  const gains = changed.filter((x) => x.gains).length;
  const told = [...fixed].map(([why, names]) => ` ${names.join(", ")}: not held again, ${why}.`).join("");
  const still = Object.entries(RULES).find(([key]) => key === (state.rule ?? ""))[1];
  $("again-said").textContent = nobody ? "Nobody sits on the panel: give one of its judges a weight above 0."
    : `${plural(places, "place")} a bracket, panel ${still}: ${gains || changed.length ? `${gains.toLocaleString("en")} gain a place, ${(changed.length - gains).toLocaleString("en")} lose one` : "the same people win"}.`
    + told;
  const able = fields.some((f) => Object.values(f.contests).some((held) => !held.fixed));
  $("what").hidden = $("again").parentElement.hidden = !able;
  if (!able) $("again-said").textContent = told.trim();
  fill($("again-table"), "Winners, as held and held again.", ["condition", page.feature, "winners as held", "held again", "share as held", "held again", "difference, points"],
    rows.map((r) => [r.condition, r.group, String(r.was), String(r.now), percent(r.before, 1), percent(r.after, 1), `${r.after - r.before > 0 ? "+" : r.after - r.before < 0 ? "−" : "±"}${Math.abs(100 * (r.after - r.before)).toFixed(1)}`]), [2, 3, 4, 5, 6]);
  const several = fields.length > 1;
  fill($("changed"), changed.length ? "Who gains a place, and who loses one." : "", ["contestant", "condition", ...(several ? ["run"] : []), page.feature, "place was", "would be", ""],
    changed.slice(0, MOST).map((x) => [follow(x.field, x.i), x.c, ...(several ? [x.field.run] : []), page.groups[x.field.group[x.i]], x.was ? String(x.was) : "–", x.now ? String(x.now) : "–", x.gains ? "gains" : "loses"]), several ? [4, 5] : [3, 4]);
  $("changed-note").textContent = changed.length > MOST ? `The first ${MOST} of ${changed.length.toLocaleString("en")}.` : "";
  return rows;
}

// -----------------------------------------------------------------------------------------------------------------

let busy = Promise.resolve();
function show(name, rows) {
  const view = views[name];
  if (!view) { first[name] = rows; return; }
  view.data("rows", rows);
  busy = Promise.all([busy, view.runAsync()]);
}

function update(changes = {}) {
  const scale = ["condition", "setting"].some((key) => key in changes && changes[key] !== state[key]);
  Object.assign(state, changes);
  if (scale && state.range) { state.range = null; clearBrush(); }
  filters();
  const shares = sharesRows();
  sharesTable(shares);
  show("shares", shares);
  const everybody = entries();
  const held = everybody[0]?.held;
  $("scores-what").textContent = everybody.length
    ? `The ${counted(held).name} under ${condition()}${state.group ? `, ${page.feature} ${state.group}` : ""}${fields.length > 1 ? `, ${state.run ?? plural(chosen().length, "run")}` : ""}. Drag over the bars, or give a range, to see who is in it.`
    : `Nobody has a score under ${condition()} here.`;
  show("scores", bins(everybody));
  showRange(everybody);
  show("path", one());
  show("again", again());
}

// Who is in the range: all that changes while the brush moves.
function showRange(everybody) {
  show("inside", inside(everybody));
  ["from", "to"].forEach((id, end) => {
    if (document.activeElement !== $(id)) $(id).value = state.range && Number.isFinite(state.range[end]) ? Number(state.range[end].toPrecision(5)) : "";
  });
}

function clearBrush() {
  const view = views.scores;
  if (view) { view.signal("brush_x", []); busy = Promise.all([busy, view.runAsync()]); }
}

let quiet = false; // while the page itself moves the brush

function setRange() {
  const low = $("from").value === "" ? -Infinity : Number($("from").value), high = $("to").value === "" ? Infinity : Number($("to").value);
  const scale = views.scores.scale("x"), [start, end] = scale.domain();
  const drawn = [Math.max(low, start), Math.min(high, end)];
  state.range = low === -Infinity && high === Infinity ? null : [low, high];
  quiet = true;
  views.scores.signal("brush_x", state.range && drawn[0] < drawn[1] ? drawn.map((v) => scale(v)) : []);
  busy = Promise.all([busy, views.scores.runAsync().then(() => { quiet = false; })]);
  showRange(entries());
}

async function start() {
  update();
  for (const [name, spec] of Object.entries(page.charts)) {
    // ast: expressions are interpreted, so that the page's policy need not allow code made from text
    const options = { ast: true, actions: false, renderer: "svg", logLevel: 1, tooltip: { theme: "light" } };
    const { view } = await vegaEmbed(`#${name}`, { ...spec, data: { name: "rows", values: first[name] } }, options);
    views[name] = view;
  }
  views.shares.addEventListener("click", (event, item) => {
    const row = item?.datum;
    if (!row?.condition || row.kind === "entered") return;
    const same = state.condition === row.condition && state.group === row.group && (row.kind === "mean" || state.run === row.run);
    update(same ? { condition: null, group: null, run: null } : { condition: row.condition, group: row.group, run: row.kind === "run" && runs().length > 1 ? row.run : null });
  });
  views.scores.addSignalListener("brush", (_, value) => {
    if (quiet) return;
    const range = value?.low ?? null;
    const next = range ? [Math.min(...range), Math.max(...range)] : null;
    if (JSON.stringify(next) === JSON.stringify(state.range)) return;
    state.range = next;
    showRange(entries());
  });
  for (const id of ["from", "to"]) $(id).addEventListener("change", setRange);
  $("unbrush").addEventListener("click", () => { $("from").value = ""; $("to").value = ""; setRange(); });
  $("run-of").addEventListener("change", (e) => update({ one: { field: fields.filter((f) => f.setting === state.setting)[e.target.value], i: one.shown?.i ?? 0 } }));
  $("contestant").addEventListener("change", (e) => {
    const i = one.shown.field.ids.indexOf(e.target.value.trim());
    if (i >= 0) update({ one: { field: one.shown.field, i } });
    else $("one-said").textContent = `No contestant ${e.target.value} in this run.`;
  });
  $("previous").addEventListener("click", () => step(-1));
  $("next").addEventListener("click", () => step(1));
  await busy;
  document.documentElement.dataset.ready = "yes";
}

// For whoever checks the page: what is chosen, and who wins under it.
window.explorer = {
  state, fields, views, update, settled: async () => { await busy; await new Promise((done) => requestAnimationFrame(() => setTimeout(done))); await busy; },
  scores: (at, c) => [...panelScores(fields[at].contests[c], settingsOf(fields[at].contests[c]))],
  winners: (at, c) => { const out = heldAgain(fields[at], c); return out && [...out.winner]; },
  ranks: (at, c) => { const out = heldAgain(fields[at], c); return out && [...out.rank]; },
};
start();
