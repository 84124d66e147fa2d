// The view: which sample, models, method and players, what is selected of the interactions, and its address.

const data = JSON.parse($("data").textContent);
const PAGE = 40; // rows of a list before one has to ask for more
const CHOICES = {
  show: {
    salient: "Salient",
    ...(data.discovery_rate === null ? {} : { listed: "Listed" }),
    ...Object.fromEntries(STATES.map((state) => [state, state[0].toUpperCase() + state.slice(1)])),
    all: "All",
  },
  kind: { all: "Both", and: "AND", or: "OR" },
  sign: { all: "Both", positive: "+", negative: "−" },
};

const start = {
  sample: data.samples[0].number,
  ensemble: data.start.ensemble,
  method: data.start.method,
  present: null, // code of the players present, or null: all
  k: null, // number of the strongest interactions, or null: as usual
  show: "salient",
  kind: "all",
  sign: "all",
  low: 1,
  high: data.order,
  sort: null, // a model's name, or null: any model
  pin: null, // code of the interaction that stays lit
};
let state = { ...start };
let view = null; // what the state's sample, ensemble and method amount to
let present = null; // the players present: what the state's code says
let hovered = null; // the interaction under the pointer or the keyboard
let limit = PAGE;

function look() {
  const sample = data.samples.find((each) => each.number === state.sample);
  const ensemble = data.ensembles.find((each) => each.name === state.ensemble);
  const method = data.methods.find((each) => each.name === state.method);
  const key = `${state.sample} ${state.ensemble} ${state.method}`;
  present = state.present === null ? null : decoded(state.present, sample.names.length);
  if (present === null || present.every(Boolean)) state.present = null;
  present ??= new Uint8Array(sample.names.length).fill(1);
  if (view?.key === key) return;
  const known = view?.sample === sample ? view.known : evaluated(sample);
  const units = sample.parts[method.name];
  const joint = method.kind === "generalizable" ? units[ensemble.name] : null;
  const found = ensemble.models.map((model) => {
    const unit = joint ?? units[data.models[model]];
    const place = joint ? ensemble.models.indexOf(model) : 0;
    return { unit, part: decode(unit.models[place], known.n), v: numbers(sample.v[model], Float32Array) };
  });
  const parts = found.map((each) => each.part);
  const strongest = Math.max(...parts.map((part) => Math.abs(part.found[0]?.strength ?? 0)));
  const most = Math.max(...parts.map((part) => part.found.length));
  const judged = found.map((each) => each.v.subarray(known.first));
  const distinctive = sample.distinctive?.[method.name]?.[ensemble.name];
  view = {
    key,
    sample,
    ensemble,
    method,
    joint: Boolean(joint),
    models: ensemble.models,
    units: found.map((each) => each.unit),
    parts,
    known,
    v: found.map((each) => each.v),
    judged, // outputs on the masks on which predictions are judged
    ascending: judged.map((v) => Uint32Array.from(v.keys()).sort((a, b) => v[a] - v[b])),
    rows: compared(parts, distinctive),
    decided: Boolean(distinctive), // whether it is known what is distinctive
    places: strongest >= 100 ? 1 : strongest >= 0.3 ? 2 : strongest >= 0.03 ? 3 : 4,
    most,
    usual: known.drawn ? most : Math.max(1, Math.floor(0.05 * known.count)),
  };
}

// The view as a fragment of the address: only what differs from the start.
function fragment() {
  const pairs = Object.entries(state).filter(([name, value]) => value !== start[name]);
  return pairs.map(([name, value]) => `${name}=${encodeURIComponent(value)}`).join("&");
}

// The state that a fragment asks for; whatever in it makes no sense is as at the start.
function asked(text) {
  const given = new URLSearchParams(text);
  const among = (name, values) => (values.includes(given.get(name)) ? given.get(name) : start[name]);
  const between = (name, low, high) => {
    const value = /^\d+$/.test(given.get(name) ?? "") ? Number(given.get(name)) : NaN;
    return value >= low && value <= high ? value : start[name];
  };
  const code = (name) => (/^[0-9a-f]+$/.test(given.get(name) ?? "") ? given.get(name) : start[name]);
  const result = {
    sample: between("sample", 0, data.samples.length - 1),
    ensemble: among(
      "ensemble",
      data.ensembles.map((each) => each.name),
    ),
    method: among(
      "method",
      data.methods.map((each) => each.name),
    ),
    present: code("present"),
    k: between("k", 0, 2 ** 31),
    show: among("show", Object.keys(CHOICES.show)),
    kind: among("kind", Object.keys(CHOICES.kind)),
    sign: among("sign", Object.keys(CHOICES.sign)),
    low: between("low", 1, data.order),
    high: between("high", 1, data.order),
    sort: among("sort", data.models),
    pin: code("pin"),
  };
  return result.low > result.high ? { ...result, low: start.low, high: start.high } : result;
}

function change(part) {
  const before = state;
  state = { ...state, ...part };
  if (state.sample !== before.sample && !("present" in part)) Object.assign(state, { present: null, pin: null });
  look();
  if (!view.models.some((model) => data.models[model] === state.sort)) state.sort = null;
  if (state.pin !== null && !view.rows.some((row) => row.code === state.pin)) state.pin = null;
  hovered = null;
  limit = PAGE;
  draw();
  remember();
}

function remember() {
  try {
    history.replaceState(null, "", `#${fragment()}`);
  } catch {
    // Inside of another document (a report) there is no address to keep the view in.
  }
}

function draw() {
  drawChoices();
  drawHeadline();
  drawSample();
  drawPresence();
  drawOutputs();
  drawList();
  drawLit();
  drawSharing();
  drawAbout();
}

// ------------------------------------------------------------------------------------------------- names of the view

// A strength with its sign, in the same number of decimals as all of the view; 0 is told apart from next to nothing.
function signed(strength) {
  if (strength === 0) return "0";
  return Math.abs(strength) < 0.5 * 0.1 ** view.places ? "≈ 0" : number(strength, "always", view.places);
}

// A strength with its standard error, where that is known.
function withError(strength, error) {
  return error === null ? signed(strength) : `${signed(strength)} ± ${number(error, "auto", view.places)}`;
}

// How a player is called in lists: a word by itself, a patch by the number it has on the image.
function nameOf(player) {
  return view.sample.image ? String(player + 1) : view.sample.names[player];
}

function noun(count = 2) {
  return (
    (view.sample.image ? "patch" : view.sample.text ? "word" : "player") +
    (count === 1 ? "" : view.sample.image ? "es" : "s")
  );
}

// Claims by name with the false discovery rate of an interaction, where it is known.
function rates(row) {
  const known = view.sample.rates?.[state.method]?.[state.ensemble]?.[row.code] ?? [];
  return known.map((rate, i) => [data.claims[i], rate]).filter(([, rate]) => rate !== null);
}

// In how many solutions that are nearly as good it is shared, and how many there are, where that is known.
function kept(row) {
  return view.sample.kept?.[state.method]?.[state.ensemble]?.[row.code] ?? null;
}

// Whether any claim holds of it.
function listed(row) {
  return rates(row).some(([, rate]) => rate <= data.discovery_rate);
}
