// How much is shared, how certain it is, and what the page leaves out.

function drawSharing() {
  const kinds = view.method.kind === "original" ? ["and"] : ["and", "or"];
  const { possible } = view.units[0];
  const found = Object.fromEntries(
    ["and", "or"].map((kind, i) => [kind, sharing(view.rows, view.models.length, possible[i], kind)]),
  );
  const titles = ["model", "kind", "salient", ...STATES, "in all", "chance"];
  const head = make("tr", {}, ...titles.map((title) => make("th", { scope: "col" }, title)));
  const body = view.models.flatMap((model, i) =>
    kinds.map((kind) => {
      const { salient, power, chance, ...states } = found[kind][i];
      const name = make("th", { scope: "rowgroup", rowspan: kinds.length }, data.models[model]);
      return make(
        "tr",
        {},
        kind === kinds[0] ? name : null,
        make("td", { class: kind }, badge({ kind })),
        ...[...[salient, ...STATES.map((name) => states[name])].map(whole), percent(power), percent(chance)].map(
          (text) => make("td", {}, text),
        ),
      );
    }),
  );
  $("sharing").replaceChildren(make("thead", {}, head), make("tbody", {}, ...body));
  $("caution").textContent =
    "Of each model’s salient interactions of this sample: shared are salient in all models with one sign, opposed in " +
    "some with one sign and in others with the other; distinctive are so in some beyond error and in the others not " +
    "even with their error; the rest is undecided. " +
    errorText() +
    "In all: the share that is salient in all, with whatever sign. " +
    "Chance: that share of sets of the same sizes drawn at random from the possible interactions." +
    (view.joint
      ? " Extracting from several models at once favours agreement by itself: sharing beyond chance is not yet common knowledge."
      : "");
}

// Whether more is shared than by accident, in all samples together.
function drawHeadline() {
  const said = data.headline?.[state.method]?.[state.ensemble];
  $("headline").hidden = !said;
  if (!said) return;
  const [first, ...claims] = said;
  $("claims").replaceChildren(
    make("p", {}, first),
    ...(claims.length ? [make("ul", {}, ...claims.map((claim) => make("li", {}, claim)))] : []),
  );
}

function drawAbout() {
  const { rule, threshold } = data.salience;
  const standard = {
    sample: "the model’s strongest in this sample",
    pooled: "the model’s strongest in any sample",
    output: "the model’s mean |v(N) − v(∅)|",
  }[rule];
  const gaps = [...new Set(view.units)].map((unit) => unit.gap);
  const gap = gaps.includes(null) ? null : Math.max(...gaps);
  const certified =
    gap === null ? "without a certificate." : `certified to be at most ${percent(gap)} above the optimum.`;
  const cut = view.parts.some((part) => part.found.length < part.nonzero);
  const entries = [
    [
      "Split",
      {
        original: "None: v is written as AND interactions alone.",
        traditional: `Each model alone, its interactions as sparse as can be; ${certified}`,
        generalizable: `All models compared at once, sparse and aligned; ${certified}`,
      }[view.method.kind],
    ],
    [
      "Salient",
      `Stronger than ${percent(threshold)} of ${standard}; here ${view.models.map((model, i) => `${number(view.parts[i].bound, "auto", 3)} in ${data.models[model]}`).join(", ")}.`,
    ],
    ...(view.known.drawn ? drawnEntries() : [["Noise", noiseText()]]),
    ["Order", "Players of an interaction. With one player AND and OR are the same, and count as AND."],
    data.discovery_rate === null
      ? null
      : [
          "Listed",
          `False discovery rates beside an interaction, dark up to ${percent(data.discovery_rate)}, are those of a claim: “agree” against names at random, “combinations” against other combinations of the players that matter, “exchange” against other samples (and names). “3 of 5 solutions” says that others which are nearly as good do without it.`,
        ],
    [
      "Stored",
      [
        data.all_samples === 1
          ? null
          : data.samples.length < data.all_samples
            ? `The first ${data.samples.length} of ${data.all_samples} samples: more would make the page too large.`
            : `All ${data.samples.length} samples.`,
        cut
          ? `Of each model the ${whole(data.strongest)} strongest interactions, or all salient ones if they are more: predictions can use these only.`
          : "All interactions that are not 0.",
        `Numbers in single precision: a prediction is off by at most ${data.precision.toExponential(0)} for it.`,
      ]
        .filter(Boolean)
        .join(" "),
    ],
  ];
  $("about").replaceChildren(
    ...entries.filter(Boolean).flatMap(([name, text]) => [make("dt", {}, name), make("dd", {}, text)]),
  );
}

// What error is, where it is not a standard error.
function errorText() {
  if (view.known.drawn) return "";
  return view.decided
    ? "Error is how far other solutions differ that are nearly as good, and the output noise that all of them allow. "
    : "Without other solutions (`solver.others`) no error is known here, and nothing is called distinctive. ";
}

function noiseText() {
  return view.parts.some((part) => part.kappa)
    ? "All interactions together reproduce v on every mask up to an output noise of at most κ, given with each model."
    : "All interactions together reproduce v on every mask.";
}

// What is said where a sample has too many masks to evaluate all.
function drawnEntries() {
  const { n, count, first } = view.known;
  const { order } = view.units[0];
  const others =
    count > first
      ? ` Predictions are judged on ${whole(count - first)} others, held out: what they miss there is the typical error.`
      : " None were held out.";
  const upTo = order < n ? `, in interactions of up to ${order} ${noun(order)}` : "";
  const byOrder = view.parts.map((part, i) => {
    const known = (part.by_order ?? []).filter(([, share]) => share !== null);
    const found = known.map(([most, share]) => `${most}: ${number(share, "auto", 3)}`).join(", ");
    return found ? `${data.models[view.models[i]]} ${found}` : null;
  });
  const fits = byOrder.filter(Boolean).join("; ");
  return [
    ["Masks", `Fitted to ${whole(first)} masks drawn at random${upTo}.${others}`],
    ["Errors", "± and the thin line on a bar are one standard error, by the jackknife over masks."],
    fits ? ["R²", `On masks held out, of a fit of its own up to so many ${noun()} an interaction: ${fits}.`] : null,
  ];
}
