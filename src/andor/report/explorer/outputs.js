// Outputs: what each model says of the players present, beside what its k strongest interactions predict.

function drawOutputs() {
  const k = Math.min(state.k, view.most);
  $("k").max = $("k-number").max = view.most;
  $("k").value = k;
  if (document.activeElement !== $("k-number")) $("k-number").value = k;
  $("k").setAttribute("aria-valuetext", `${k} of ${view.most} interactions`);
  $("k-most").textContent = `strongest of ${whole(view.most)} interactions`;
  $("output").textContent = data.output + (data.centred ? " relative to everything masked" : "");
  const said = [];
  const items = view.models.map((model, i) => {
    const [part, v] = [view.parts[i], view.v[i]];
    const truth = v[state.present];
    const guess = predicted(part, n, k, state.present);
    const everywhere = predictedEverywhere(part, n, k);
    const error = rootMeanSquare(everywhere.map((value, mask) => v[mask] - value));
    const [lowest, highest] = [v[view.ascending[i][0]], v[view.ascending[i][everyone]]];
    const range = highest - lowest || 1;
    const places = range >= 100 ? 1 : range >= 1 ? 2 : 3;
    const figures = [
      ["output", number(truth, "auto", places)],
      ["predicted", number(guess, "auto", places)],
      ["residual", number(truth - guess, "exceptZero", places)],
    ];
    said.push(`${data.models[model]}: ${figures.map((figure) => figure.join(" ")).join(", ")}`);
    const place = (value) => Math.min(100, Math.max(0, (100 * (value - lowest)) / range));
    const noise = part.kappa ? ` · noise bound κ ${number(part.kappa, "auto", places + 1)}` : "";
    return make(
      "li",
      {},
      make(
        "div",
        { class: "top" },
        make("span", { class: "name" }, data.models[model]),
        make(
          "dl",
          {},
          ...figures.map(([name, value]) =>
            make("div", {}, make("dt", {}, name), make("dd", { "data-figure": name }, value)),
          ),
        ),
      ),
      gauge(truth, guess, part.kappa, place),
      matching(i, everywhere, place),
      make(
        "p",
        { class: "muted small" },
        `typical residual over all masks ${number(error, "auto", places)} (${percent(error / range)} of the range)${noise}`,
      ),
    );
  });
  $("outputs").replaceChildren(...items);
  clearTimeout(drawOutputs.timer);
  drawOutputs.timer = setTimeout(() => {
    $("spoken").textContent = `${orderOf(state.present)} of ${n} ${noun(n)} present, k ${k}. ${said.join(". ")}.`;
  }, 400);
}

// Where the output and its prediction lie between the lowest and the highest output of the sample.
function gauge(truth, guess, kappa, place) {
  const at = (name, from, to = null) => {
    const mark = make("span", { class: name });
    mark.style.left = `${Math.min(from, to ?? from)}%`;
    if (to !== null) mark.style.width = `${Math.abs(to - from)}%`;
    return mark;
  };
  return make(
    "div",
    { class: "gauge", "aria-hidden": "true" },
    make("span", { class: "track" }),
    at("zero", place(0)),
    at("band", place(truth - kappa), place(truth + kappa)),
    at("rest", place(truth), place(guess)),
    at("guess", place(guess)),
    at("truth", place(truth)),
  );
}

// Outputs on all masks in ascending order, the predictions, and where the mask of the page is.
function matching(i, everywhere, place) {
  const [v, ascending] = [view.v[i], view.ascending[i]];
  const step = Math.max(1, Math.ceil(ascending.length / 1024));
  let [dots, curve] = ["", ""];
  for (let rank = 0; rank <= everyone; rank += step) {
    const x = ((100 * rank) / everyone).toFixed(2);
    dots += `M${x} ${(100 - place(everywhere[ascending[rank]])).toFixed(1)}h.01`;
    curve += `${rank ? "L" : "M"}${x} ${(100 - place(v[ascending[rank]])).toFixed(1)}`;
  }
  const here = make("span", { class: "here" });
  here.style.left = `${(100 * ascending.indexOf(state.present)) / everyone}%`;
  here.style.top = `${100 - place(v[state.present])}%`;
  return make(
    "div",
    {
      class: "matching",
      role: "img",
      "aria-label": `${data.models[view.models[i]]}: outputs on all masks in ascending order, and their predictions`,
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
