// The panel and the contest, as judge/jury/panel.py and judge/contest.py have them; a test holds one against the other.

function unpacked(told) {
  const text = atob(told.bytes);
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
  const kinds = { f4: Float32Array, f8: Float64Array, i4: Int32Array, u1: Uint8Array };
  return new kinds[told.kind](bytes.buffer);
}

// Positions in order of value, with the average rank (from 1) of each; only of finite values.
function averageRanks(values) {
  const order = [...values.keys()].filter((i) => Number.isFinite(values[i])).sort((a, b) => values[a] - values[b]);
  const out = new Float64Array(values.length).fill(NaN);
  for (let i = 0; i < order.length; ) {
    let j = i;
    while (j + 1 < order.length && values[order[j + 1]] === values[order[i]]) j++;
    for (let k = i; k <= j; k++) out[order[k]] = (i + j) / 2 + 1;
    i = j + 1;
  }
  return { ranks: out, n: order.length };
}

function zScores(values) {
  const known = values.filter(Number.isFinite);
  const out = new Float64Array(values.length).fill(NaN);
  if (!known.length) return out;
  const sum = (numbers) => {  // Neumaier's: numpy adds pairwise, plain addition would be further from it
    let total = 0, lost = 0;
    for (const v of numbers) {
      const next = total + v;
      lost += Math.abs(total) >= Math.abs(v) ? total - next + v : v - next + total;
      total = next;
    }
    return total + lost;
  };
  const mean = sum(known) / known.length;
  const spread = Math.sqrt(sum(known.map((v) => (v - mean) * (v - mean))) / known.length);
  const largest = known.reduce((most, v) => Math.max(most, Math.abs(v)), 0);
  const tells = spread > 1e-12 * (1 + largest);
  values.forEach((v, i) => { if (Number.isFinite(v)) out[i] = tells ? (v - mean) / spread : 0; });
  return out;
}

// A judge's points for everybody judged: z-scores, ranks in 0 to 1 or Borda points, within each scope.
function pointsOf(held, judge, kind, missing) {
  const key = `${judge} ${kind} ${missing}`;
  held.cache ??= {};
  if (held.cache[key]) return held.cache[key];
  const out = new Float64Array(held.judged.length).fill(NaN);
  const scopes = new Map();
  held.judged.forEach((there, i) => {
    if (!there) return;
    if (!scopes.has(held.scope[i])) scopes.set(held.scope[i], []);
    scopes.get(held.scope[i]).push(i);
  });
  for (const who of scopes.values()) {
    let values = Float64Array.from(who, (i) => held.scores[judge][i]);
    if (missing === "middle" || missing === "worst") {
      const known = values.filter(Number.isFinite).sort();
      const half = known.length >> 1;
      const fill = !known.length ? NaN : missing === "worst" ? known[0]
        : known.length % 2 ? known[half] : (known[half - 1] + known[half]) / 2;
      values = values.map((v) => (Number.isFinite(v) ? v : fill));
    }
    let points;
    if (kind === "z") points = zScores(values);
    else {
      const { ranks, n } = averageRanks(values);
      points = ranks.map((r) => (kind === "borda" ? r - 1 : (r - 0.5) / n));
    }
    who.forEach((i, at) => { out[i] = points[at]; });
  }
  held.cache[key] = out;
  return out;
}

// The score of each entrant under these settings of a panel; NaN: none.
function panelScores(held, settings) {
  const n = held.judged.length, out = new Float64Array(n).fill(NaN);
  if (settings.rule === "score") {
    for (let i = 0; i < n; i++) if (held.judged[i]) out[i] = held.scores[0][i];
    return out;
  }
  const sitting = [...held.judges.keys()].filter((j) => (settings.weights[held.judges[j]] ?? 0) > 0);
  if (!sitting.length) return out;
  const kind = settings.rule === "borda" ? "borda" : settings.rule === "mean_rank" ? "rank" : "z";
  const points = sitting.map((j) => pointsOf(held, j, kind, settings.missing));
  const weight = sitting.map((j) => (settings.rule === "weights" ? settings.weights[held.judges[j]] : 1));
  for (let i = 0; i < n; i++) {
    if (!held.judged[i]) continue;
    const present = sitting.filter((j) => Number.isFinite(held.scores[j][i])).length;
    if (!present || present < settings.min_judges || (settings.missing === "refuse" && present < sitting.length)) continue;
    let total = 0, weights = 0, known = 0, least = Infinity;
    points.forEach((of, k) => {
      const p = of[i];
      if (!Number.isFinite(p)) return;
      total += p * weight[k]; weights += weight[k]; known += 1; least = Math.min(least, p);
    });
    out[i] = settings.rule === "minimum" ? least : settings.rule === "borda" ? (total * sitting.length) / known : total / weights;
  }
  return out;
}

// Ranks within brackets and winners; ties go by the lots that the contest drew.
function ranked(field, held, score, places) {
  const rank = new Int32Array(score.length), winner = new Uint8Array(score.length), brackets = new Map();
  score.forEach((s, i) => {
    if (!held.eligible[i] || !Number.isFinite(s)) return;
    if (!brackets.has(field.bracket[i])) brackets.set(field.bracket[i], []);
    brackets.get(field.bracket[i]).push(i);
  });
  for (const who of brackets.values()) {
    who.sort((a, b) => score[b] - score[a] || field.lot[a] - field.lot[b]);
    who.forEach((i, at) => { rank[i] = at + 1; winner[i] = at < places ? 1 : 0; });
  }
  return { rank, winner };
}
