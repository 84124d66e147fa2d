"use strict";

// Numbers of the page: pure functions, no document. A coalition is a bit mask; the code of an interaction is its
// coalition, plus 2^n if it is an OR interaction. A part is one model's interactions, strongest first.

function numbers(text, Type) {
  return new Type(Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0)).buffer); // little-endian, as stored
}

function decode(part, n) {
  const codes = numbers(part.codes, n < 16 ? Uint16Array : Uint32Array);
  return { ...part, codes, strengths: numbers(part.strengths, Float32Array) };
}

function orderOf(coalition) {
  let order = 0;
  for (let rest = coalition; rest; rest &= rest - 1) order += 1;
  return order;
}

// Whether an interaction adds its strength: an AND one when all of its players are present, an OR one when any is.
function acts(code, n, present) {
  const coalition = code & (2 ** n - 1);
  return code >> n ? (coalition & present) !== 0 : (coalition & present) === coalition;
}

// What the constant and the k strongest interactions add up to when these players are present.
function predicted(part, n, k, present) {
  let sum = part.empty;
  const count = Math.min(k, part.codes.length);
  for (let rank = 0; rank < count; rank += 1) if (acts(part.codes[rank], n, present)) sum += part.strengths[rank];
  return sum;
}

// Sums over subsets, in place: n butterfly passes.
function zeta(values) {
  for (let bit = 1; bit < values.length; bit *= 2) {
    for (let mask = 0; mask < values.length; mask += 1) if (mask & bit) values[mask] += values[mask ^ bit];
  }
  return values;
}

// The same prediction for all 2^n coalitions at once. An OR interaction acts unless all of it lies outside of S.
function predictedEverywhere(part, n, k) {
  const size = 2 ** n;
  const ofAnd = new Float64Array(size);
  const ofOr = new Float64Array(size);
  let total = part.empty;
  const count = Math.min(k, part.codes.length);
  for (let rank = 0; rank < count; rank += 1) {
    const code = part.codes[rank];
    if (code < size) ofAnd[code] += part.strengths[rank];
    else {
      ofOr[code - size] += part.strengths[rank];
      total += part.strengths[rank];
    }
  }
  zeta(ofAnd);
  zeta(ofOr);
  return ofAnd.map((value, present) => total + value - ofOr[size - 1 - present]);
}

// Interactions of several models side by side: a row for each that is not 0 in one of them.
function compared(parts, n) {
  const rows = new Map();
  parts.forEach((part, model) => {
    part.codes.forEach((code, rank) => {
      if (!rows.has(code)) {
        const coalition = code & (2 ** n - 1);
        rows.set(code, {
          code,
          coalition,
          kind: code >> n ? "or" : "and",
          order: orderOf(coalition),
          strengths: parts.map(() => 0),
          ranks: parts.map(() => null),
          salient: parts.map(() => false),
        });
      }
      const row = rows.get(code);
      row.strengths[model] = part.strengths[rank];
      row.ranks[model] = rank + 1;
      row.salient[model] = rank < part.salient;
    });
  });
  for (const row of rows.values()) {
    // Models differ in scale, so an interaction counts by its share of the model's strongest.
    const shares = row.strengths.map((strength, model) => strength / Math.abs(parts[model].strengths[0] || 1));
    const leading = shares.reduce((best, share, model) => (Math.abs(share) > Math.abs(shares[best]) ? model : best), 0);
    const signs = new Set(row.strengths.filter((_, model) => row.salient[model]).map(Math.sign));
    row.score = Math.abs(shares[leading]);
    row.leading = leading;
    row.opposed = signs.size > 1;
    row.share = row.salient.every(Boolean) ? "shared" : row.salient.some(Boolean) ? "distinctive" : "weak";
  }
  return [...rows.values()];
}

// Rows that a selection leaves, strongest first: in any model, relative to its strongest, or in one model.
function selected(rows, { kind, sign, low, high, model }) {
  const strength = (row) => row.strengths[model ?? row.leading];
  const weight = (row) => (model === null ? row.score : Math.abs(row.strengths[model]));
  return rows
    .filter(
      (row) =>
        (kind === "all" || row.kind === kind) &&
        row.order >= low &&
        row.order <= high &&
        strength(row) !== 0 &&
        (sign === "all" || strength(row) > 0 === (sign === "positive")),
    )
    .sort((a, b) => weight(b) - weight(a) || a.code - b.code);
}

// Of each model's salient interactions of a kind, how many all models share, and the share that sets of these sizes,
// drawn at random from the possible interactions, would share.
function sharing(rows, models, n, kind) {
  const possible = 2 ** n - 1 - (kind === "or" ? n : 0);
  const ofKind = rows.filter((row) => row.kind === kind);
  const shared = ofKind.filter((row) => row.share === "shared").length;
  const salient = Array.from({ length: models }, (_, model) => ofKind.filter((row) => row.salient[model]).length);
  return salient.map((count, model) => ({
    salient: count,
    shared,
    power: count ? shared / count : null,
    chance: count
      ? salient.reduce((product, other, i) => (i === model ? product : (product * other) / possible), 1)
      : null,
  }));
}

function rootMeanSquare(values) {
  return Math.sqrt(values.reduce((sum, value) => sum + value * value, 0) / values.length);
}
