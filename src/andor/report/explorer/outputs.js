// Outputs: what each model says of the players present, beside what its k strongest interactions predict.

function drawOutputs() {
  const k = Math.min(state.k ?? view.usual, view.most);
  $("k").max = $("k-number").max = view.most;
  $("k").value = k;
  if (document.activeElement !== $("k-number")) $("k-number").value = k;
  $("k").setAttribute("aria-valuetext", `${k} of ${view.most} interactions`);
  $("k-most").textContent = `strongest of ${whole(view.most)} interactions`;
  $("output").textContent = data.output + (data.centred ? " relative to everything masked" : "");
  const where = view.known.drawn ? "masks held out" : "all masks";
  $("key-band").textContent = view.known.drawn ? "typical error of a prediction" : "its noise bound ±κ";
  $("key-line").textContent = `outputs on ${where}, ascending`;
  const judged = view.known.count > view.known.first; // whether anything was held out
  for (const id of ["key-band", "key-line"]) $(id).parentElement.hidden = !judged;
  const at = view.known.placeOf(present);
  const all = view.models.map((_, i) => outputOf(i, k, at));
  $("outputs").replaceChildren(...all.map((each) => each.item));
  clearTimeout(drawOutputs.timer);
  drawOutputs.timer = setTimeout(() => {
    const [count, n] = [playersIn(present).length, present.length];
    const said = all.map((each) => each.said).join(". ");
    $("spoken").textContent = `${count} of ${n} ${noun(n)} present, k ${k}. ${said}.`;
  }, 400);
}

// One model's output where the mask was evaluated (`at` is its place among those, or null), and what is predicted.
function outputOf(i, k, at) {
  const [part, v] = [view.parts[i], view.v[i]];
  const truth = at === null ? null : v[at];
  const guess = predicted(part, k, present);
  const judged = predictions(part, k, view.known);
  const typical = judged.length ? rootMeanSquare(judged.map((value, place) => view.judged[i][place] - value)) : null;
  const lowest = v.reduce((least, value) => Math.min(least, value));
  const range = v.reduce((most, value) => Math.max(most, value)) - lowest || 1;
  const places = range >= 100 ? 1 : range >= 1 ? 2 : 3;
  const place = (value) => Math.min(100, Math.max(0, (100 * (value - lowest)) / range));
  const figures = [
    ["output", truth === null ? "not evaluated" : number(truth, "auto", places)],
    ["predicted", number(guess, "auto", places)],
    ["residual", truth === null ? "–" : number(truth - guess, "exceptZero", places)],
  ];
  const name = data.models[view.models[i]];
  const band = view.known.drawn ? [guess, typical ?? 0] : [truth, part.kappa];
  const item = make(
    "li",
    {},
    make(
      "div",
      { class: "top" },
      make("span", { class: "name" }, name),
      make(
        "dl",
        {},
        ...figures.map(([title, value]) =>
          make(
            "div",
            {},
            make("dt", {}, title),
            make("dd", { "data-figure": title, class: value === "not evaluated" ? "unknown" : null }, value),
          ),
        ),
      ),
    ),
    gauge(truth, guess, band, place),
    matching(i, judged, truth, place),
    make("p", { class: "muted small" }, howGood(i, judged, typical, range, places)),
  );
  return { item, said: `${name}: ${figures.map((figure) => figure.join(" ")).join(", ")}` };
}

function howGood(i, judged, typical, range, places) {
  if (typical === null) return "no masks were held out: how good predictions are is not known";
  const error = `${number(typical, "auto", places)} (${percent(typical / range)} of the range)`;
  if (!view.known.drawn) {
    const { kappa } = view.parts[i];
    const noise = kappa ? ` · noise bound κ ${number(kappa, "auto", places + 1)}` : "";
    return `typical residual over all masks ${error}${noise}`;
  }
  const share = explainedShare(view.judged[i], judged);
  const fidelity = share === null ? "" : ` · R² ${number(share, "auto", 3)}`;
  return `typical error on ${whole(judged.length)} masks held out ${error}${fidelity}`;
}

// Where the output and its prediction lie between the lowest and the highest output of the sample.
function gauge(truth, guess, [middle, width], place) {
  const at = (name, from, to = null) => {
    const mark = make("span", { class: name });
    mark.style.left = `${Math.min(from, to ?? from)}%`;
    if (to !== null) mark.style.width = `${Math.abs(to - from)}%`;
    return mark;
  };
  const known = truth === null ? [null, null] : [at("rest", place(truth), place(guess)), at("truth", place(truth))];
  return make(
    "div",
    { class: "gauge", "aria-hidden": "true" },
    make("span", { class: "track" }),
    at("zero", place(0)),
    at("band", place(middle - width), place(middle + width)),
    known[0],
    at("guess", place(guess)),
    known[1],
  );
}

// Outputs on the masks that are judged in ascending order, the predictions, and where the mask of the page is.
function matching(i, judged, truth, place) {
  const [v, ascending] = [view.judged[i], view.ascending[i]];
  if (!v.length) return null;
  const last = Math.max(1, ascending.length - 1);
  const step = Math.max(1, Math.ceil(ascending.length / 1024));
  let [dots, curve] = ["", ""];
  for (let rank = 0; rank < ascending.length; rank += step) {
    const x = ((100 * rank) / last).toFixed(2);
    dots += `M${x} ${(100 - place(judged[ascending[rank]])).toFixed(1)}h.01`;
    curve += `${rank ? "L" : "M"}${x} ${(100 - place(v[ascending[rank]])).toFixed(1)}`;
  }
  const here = truth === null ? null : make("span", { class: "here" });
  if (here) {
    const below = v.reduce((count, value) => count + (value < truth), 0);
    here.style.left = `${(100 * Math.min(below, last)) / last}%`;
    here.style.top = `${100 - place(truth)}%`;
  }
  const where = view.known.drawn ? "masks held out" : "all masks";
  return make(
    "div",
    {
      class: "matching",
      role: "img",
      "aria-label": `${data.models[view.models[i]]}: outputs on ${where} in ascending order, and their predictions`,
    },
    make(
      "svg",
      { viewBox: "0 0 100 100", preserveAspectRatio: "none" },
      make("path", { class: "dots", d: dots }),
      make("path", { class: "curve", d: curve }),
    ),
    here,
  );
}
