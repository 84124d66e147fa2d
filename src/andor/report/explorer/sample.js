// The sample: its words or patches, each a switch.

function drawSample() {
  const { sample } = view;
  const about = [
    sample.label === undefined ? null : `label ${sample.label}`,
    sample.target === undefined ? null : `target “${sample.target}”`,
  ].filter(Boolean);
  $("sample-title").replaceChildren(
    `Sample ${sample.number}`,
    make("span", { class: "muted small" }, about.length ? ` · ${about.join(", ")}` : ""),
  );
  const stage = $("stage");
  if (stage.dataset.sample === String(sample.number)) return;
  stage.dataset.sample = String(sample.number);
  stage.className = sample.text ? "text" : sample.image ? "image" : "names";
  $("scene").className = sample.image ? "beside" : "";
  if (sample.text)
    stage.replaceChildren(...sample.text.map(([piece, player]) => (player === null ? piece : word(piece, player))));
  else if (sample.image) stage.replaceChildren(...picture(sample.image));
  else stage.replaceChildren(...sample.names.map(word));
}

function word(text, player) {
  return make(
    "button",
    { type: "button", class: "word", "data-player": player, "aria-pressed": "true", onclick: () => toggle(player) },
    text,
  );
}

function picture(image) {
  const { width, height, channels } = image;
  const pixels = numbers(image.pixels, Uint8Array);
  const canvas = make("canvas", { width, height, role: "img", "aria-label": "The sample’s image" });
  const colours = canvas.getContext("2d").createImageData(width, height);
  for (let pixel = 0; pixel < width * height; pixel += 1) {
    for (let channel = 0; channel < 3; channel += 1) {
      colours.data[4 * pixel + channel] = pixels[channels * pixel + (channels === 3 ? channel : 0)];
    }
    colours.data[4 * pixel + 3] = 255;
  }
  canvas.getContext("2d").putImageData(colours, 0, 0);
  image.url = canvas.toDataURL();
  const unit = Math.max(width, height) / 32;
  const pattern = make(
    "pattern",
    { id: "masked", width: 2 * unit, height: 2 * unit, patternUnits: "userSpaceOnUse", patternTransform: "rotate(45)" },
    make("rect", { width: 2 * unit, height: 2 * unit, fill: "#2b2f33" }),
    make("rect", { width: unit, height: 2 * unit, fill: "#5a6067" }),
  );
  const patches = image.areas.map((areas, player) => {
    const label = make("text", { x: areas[0][0] + 0.6 * unit, y: areas[0][1] + 2.4 * unit }, String(player + 1));
    label.style.fontSize = `${2.2 * unit}px`;
    return make(
      "g",
      {
        class: "patch",
        role: "button",
        tabindex: 0,
        "data-player": player,
        "aria-pressed": "true",
        "aria-label": `Patch ${player + 1}, at ${view.sample.names[player]}`,
        onclick: () => toggle(player),
        onkeydown: (event) => {
          if (event.key !== "Enter" && event.key !== " ") return;
          event.preventDefault();
          toggle(player);
        },
      },
      make("path", { d: outline(areas) }),
      label,
    );
  });
  return [
    canvas,
    make(
      "svg",
      { viewBox: `0 0 ${width} ${height}`, "aria-label": "Patches", role: "group" },
      make("defs", {}, pattern),
      ...patches,
    ),
  ];
}

function outline(areas) {
  return areas.map(([x, y, width, height]) => `M${x} ${y}h${width}v${height}h${-width}z`).join("");
}

function toggle(player) {
  setPresent(state.present ^ (1 << player));
}

function setPresent(present) {
  state = { ...state, present };
  drawPresence();
  drawOutputs();
  drawActing();
  remember();
}

function drawPresence() {
  for (const node of $("stage").querySelectorAll("[data-player]")) {
    node.setAttribute("aria-pressed", String(Boolean((state.present >> node.dataset.player) & 1)));
  }
  const count = orderOf(state.present);
  $("count").textContent =
    `${count} of ${n} ${noun(n)} present; ${count === n ? `click a ${noun(1)} to mask it` : "what is masked has its baseline value"}.`;
}
