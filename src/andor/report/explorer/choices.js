// The controls: what can be chosen, and what is.

function options(select, entries, chosen) {
  select.replaceChildren(...entries.map(([value, text]) => make("option", { value }, text)));
  select.value = String(chosen);
}

function radios(box, name, entries, chosen, choose) {
  box.replaceChildren(
    ...entries.map(([value, text, colour]) => {
      const input = make("input", { type: "radio", name, value, onchange: () => choose(value) });
      input.checked = value === chosen;
      const label = make("label", {}, input, text);
      if (colour) label.style.setProperty("--dot", colour);
      return label;
    }),
  );
}

// Controls that are made anew keep the focus on the chosen one.
function keepFocus(box, remake) {
  const focused = box.contains(document.activeElement);
  remake();
  if (focused) box.querySelector(":checked")?.focus();
}

// Black on black is not seen: the dark scheme has lighter colours.
function visible(colour) {
  if (!matchMedia("screen and (prefers-color-scheme: dark)").matches) return colour;
  return colour === "#000000" ? "var(--muted)" : `color-mix(in srgb, ${colour} 82%, white)`;
}

function drawChoices() {
  const excerpt = (sample) => (sample.text ? sample.text.map(([piece]) => piece).join("") : "").trim();
  const title = (sample) =>
    `${sample.title ?? sample.number}${excerpt(sample) ? ` · ${excerpt(sample).slice(0, 42)}…` : ""}`;
  options(
    $("sample"),
    data.samples.map((sample) => [sample.number, title(sample)]),
    state.sample,
  );
  options(
    $("ensemble"),
    data.ensembles.map((each) => [each.name, each.title]),
    state.ensemble,
  );
  const methods = data.methods.map((method) => [method.name, method.name, visible(method.colour)]);
  keepFocus($("methods"), () =>
    radios($("methods").lastElementChild, "method", methods, state.method, (method) => change({ method })),
  );
  for (const box of document.querySelectorAll("[data-choices]")) {
    const name = box.dataset.choices;
    keepFocus(box, () =>
      radios(box, name, Object.entries(CHOICES[name]), state[name], (value) => change({ [name]: value })),
    );
  }
  const orders = Array.from({ length: data.order }, (_, i) => [i + 1, String(i + 1)]);
  options($("low"), orders, state.low);
  options($("high"), orders, state.high);
  options(
    $("sort"),
    [["", "any model, relative"], ...view.models.map((model) => [data.models[model], data.models[model]])],
    state.sort ?? "",
  );
  $("sample").closest(".choice").hidden = data.all_samples === 1;
  $("ensemble").closest(".choice").hidden = data.ensembles.length === 1;
  $("methods").hidden = data.methods.length === 1;
  $("previous").disabled = state.sample === data.samples[0].number;
  $("next").disabled = state.sample === data.samples.at(-1).number;
  document.documentElement.style.setProperty("--method", visible(view.method.colour));
  document.documentElement.style.setProperty("--models", view.models.length);
}
