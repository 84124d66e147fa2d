"use strict";

// Numbers of the page: pure functions, no document. Who is present is a byte for each player, 1 or 0. A code is the
// same as one number, in hexadecimal, player 0 its lowest bit; that of an interaction has one more bit, set if it is an
// OR interaction. A part is one model's interactions, strongest first.

const STATES = ["shared", "opposed", "distinctive", "undecided"];

function numbers(text, Type) {
  return new Type(Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0)).buffer); // little-endian, as stored
}

// Rows of bits that were stored in bytes of their own.
function unpacked(text, count) {
  const bytes = numbers(text, Uint8Array);
  const width = Math.ceil(count / 8);
  return Array.from({ length: bytes.length / width }, (_, row) =>
    Uint8Array.from({ length: count }, (_, bit) => (bytes[row * width + (bit >> 3)] >> (bit & 7)) & 1),
  );
}

function coded(bits) {
  let code = "";
  for (let bit = 0; bit < bits.length; bit += 4) {
    code = (bits[bit] | (bits[bit + 1] << 1) | (bits[bit + 2] << 2) | (bits[bit + 3] << 3)).toString(16) + code;
  }
  return code.replace(/^0+(?=.)/, "");
}

// The bits of a code; null if it is none of so many bits.
function decoded(code, count) {
  const bits = new Uint8Array(count);
  [...code].reverse().forEach((digit, place) => {
    for (let bit = 0; bit < 4; bit += 1) bits[4 * place + bit] = (parseInt(digit, 16) >> bit) & 1;
  });
  return coded(bits) === code ? bits : null;
}

function byCode(one, other) {
  return one.length - other.length || (one < other ? -1 : Number(one > other));
}

function playersIn(bits) {
  return Array.from(bits.keys()).filter((player) => bits[player]);
}

function decode(part, n) {
  const strengths = numbers(part.strengths, Float32Array);
  const errors = part.errors ? numbers(part.errors, Float32Array) : null;
  const found = unpacked(part.codes, n + 1).map((bits, rank) => ({
    code: coded(bits),
    kind: bits[n] ? "or" : "and",
    players: playersIn(bits.subarray(0, n)),
    strength: strengths[rank],
    error: errors ? errors[rank] : null,
  }));
  return { ...part, found };
}

// Whether an interaction adds its strength: an AND one when all of its players are present, an OR one when any is.
function acts({ kind, players }, present) {
  return kind === "or" ? players.some((player) => present[player]) : players.every((player) => present[player]);
}

// What the constant and the k strongest interactions add up to when these players are present.
function predicted(part, k, present) {
  const count = Math.min(k, part.found.length);
  let sum = part.empty;
  for (let rank = 0; rank < count; rank += 1) if (acts(part.found[rank], present)) sum += part.found[rank].strength;
  return sum;
}

// Sums over subsets, in place: n butterfly passes.
function zeta(values) {
  for (let bit = 1; bit < values.length; bit *= 2) {
    for (let mask = 0; mask < values.length; mask += 1) if (mask & bit) values[mask] += values[mask ^ bit];
  }
  return values;
}

function maskOf(players) {
  return players.reduce((mask, player) => mask | (1 << player), 0);
}

// The same prediction for all 2^n coalitions at once. An OR interaction acts unless all of it lies outside of S.
function predictedEverywhere(part, n, k) {
  const size = 2 ** n;
  const ofAnd = new Float64Array(size);
  const ofOr = new Float64Array(size);
  let total = part.empty;
  for (const { kind, players, strength } of part.found.slice(0, k)) {
    if (kind === "and") ofAnd[maskOf(players)] += strength;
    else {
      ofOr[maskOf(players)] += strength;
      total += strength;
    }
  }
  zeta(ofAnd);
  zeta(ofOr);
  return ofAnd.map((value, present) => total + value - ofOr[size - 1 - present]);
}

// The masks on which a sample's outputs are known: all by number, or those drawn. Predictions are judged on all, or on
// those held out, which are the last ones, from `first` on.
function evaluated(sample) {
  const n = sample.names.length;
  if (!sample.drawn) return { n, count: 2 ** n, first: 0, placeOf: (present) => maskOf(playersIn(present)) };
  const drawn = unpacked(sample.drawn.presence, n);
  const places = new Map();
  drawn.forEach((present, place) => places.set(coded(present), places.get(coded(present)) ?? place));
  return {
    n,
    drawn,
    count: drawn.length,
    first: sample.drawn.fitted,
    placeOf: (present) => places.get(coded(present)) ?? null,
  };
}

// Predictions on the masks on which they are judged.
function predictions(part, k, known) {
  if (!known.drawn) return predictedEverywhere(part, known.n, k);
  return Float64Array.from(known.drawn.slice(known.first), (present) => predicted(part, k, present));
}

// Interactions of several models side by side: a row for each that is not 0 in one of them. Codes of what is distinctive
// come with the page where all masks were evaluated and strengths have no standard errors.
function compared(parts, distinctive) {
  const rows = new Map();
  parts.forEach((part, model) => {
    part.found.forEach(({ code, kind, players, strength, error }, rank) => {
      if (!rows.has(code)) {
        rows.set(code, {
          code,
          kind,
          players,
          order: players.length,
          strengths: parts.map(() => 0),
          errors: parts.map(() => null),
          ranks: parts.map(() => null),
          salient: parts.map(() => false),
        });
      }
      const row = rows.get(code);
      row.strengths[model] = strength;
      row.errors[model] = error;
      row.ranks[model] = rank + 1;
      row.salient[model] = rank < part.salient;
    });
  });
  const largest = parts.map(
    (part) => part.found.reduce((most, { error }) => Math.max(most, error ?? Infinity), 0) || Infinity,
  );
  for (const row of rows.values()) {
    // Models differ in scale, so an interaction counts by its share of the model's strongest.
    const shares = row.strengths.map((strength, model) => strength / strongestOf(parts[model]));
    const leading = shares.reduce((best, share, model) => (Math.abs(share) > Math.abs(shares[best]) ? model : best), 0);
    const signs = new Set(row.strengths.filter((_, model) => row.salient[model]).map(Math.sign));
    row.score = Math.abs(shares[leading]);
    row.leading = leading;
    row.opposed = signs.size > 1;
    row.share = stateOf(row, parts, largest, distinctive);
  }
  return [...rows.values()];
}

// What an interaction is to the models: shared by all with one sign; opposed; distinctive, if some have it beyond error
// and the others do not even with theirs, of 1.96 standard errors; or undecided. What was not found in a model has no
// error of its own, but the model's largest one; it may be anything if nothing was.
function stateOf({ code, salient, opposed, strengths, errors }, parts, largest, distinctive) {
  if (!salient.some(Boolean)) return "weak";
  if (opposed) return "opposed";
  if (salient.every(Boolean)) return "shared";
  if (distinctive) return distinctive.includes(code) ? "distinctive" : "undecided";
  const sides = parts.map((part, model) => {
    const [size, half] = [Math.abs(strengths[model]), 1.96 * (errors[model] || largest[model])];
    return size - half > part.bound ? "above" : size + half <= part.bound ? "below" : "either";
  });
  return sides.includes("either") || new Set(sides).size < 2 ? "undecided" : "distinctive";
}

function strongestOf(part) {
  return Math.abs(part.found[0]?.strength || 1);
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
    .sort((a, b) => weight(b) - weight(a) || byCode(a.code, b.code));
}

// Of each model's salient interactions of a kind, how many are in which state; the share that all models have, of
// whatever sign, and the share that sets of these sizes would have, drawn at random from the possible ones.
function sharing(rows, models, possible, kind) {
  const ofKind = rows.filter((row) => row.kind === kind);
  const own = Array.from({ length: models }, (_, model) => ofKind.filter((row) => row.salient[model]));
  const salient = own.map((found) => found.length);
  const inAll = ofKind.filter((row) => row.salient.every(Boolean)).length;
  return salient.map((count, model) => ({
    salient: count,
    ...Object.fromEntries(STATES.map((state) => [state, own[model].filter((row) => row.share === state).length])),
    power: count ? inAll / count : null,
    chance: count
      ? salient.reduce((product, other, i) => (i === model ? product : (product * other) / possible), 1)
      : null,
  }));
}

function rootMeanSquare(values) {
  return Math.sqrt(values.reduce((sum, value) => sum + value * value, 0) / values.length);
}

// Share of the variance of values that predictions explain; null if there is none.
function explainedShare(values, predictions) {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  const left = values.reduce((sum, value, i) => sum + (value - predictions[i]) ** 2, 0);
  return variance > 0 ? 1 - left / variance : null;
}
