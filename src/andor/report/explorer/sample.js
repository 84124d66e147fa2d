// The sample: its words or patches, each a switch.

const TURNED = /[\p{Script=Hebrew}\p{Script=Arabic}\p{Script=Syriac}\p{Script=Thaana}\p{Script=Nko}]/u; // read from the right
const MANY = 36; // players from which on the sample takes all the room there is, and its words less of it

function drawSample() {
  const { sample } = view;
  const about = [
    sample.class !== undefined ? `class ${sample.class}` : sample.label === undefined ? null : `label ${sample.label}`,
    sample.target === undefined ? null : `target “${sample.target}”`,
  ].filter(Boolean);
  $("sample-title").replaceChildren(
    sample.title ?? `Sample ${sample.number}`,
    make("span", { class: "muted small" }, about.length ? ` · ${about.join(", ")}` : ""),
  );
  const stage = $("stage");
  if (stage.dataset.sample === String(sample.number)) return;
  stage.dataset.sample = String(sample.number);
  const many = sample.names.length > MANY;
  stage.className = `${sample.text ? "text" : sample.image ? "image" : "names"}${many ? " many" : ""}`;
  $("scene").className = sample.image && !many ? "beside" : "";
  stage.dir = sample.text ? "auto" : "ltr";
  if (sample.text) stage.replaceChildren(...running(sample.text));
  else if (sample.image) stage.replaceChildren(...picture(sample.image));
  else stage.replaceChildren(...sample.names.map(word));
}

// A text whose lines break at spaces, not between a word and its comma.
function running(pieces) {
  const turned = pieces.some(([piece]) => TURNED.test(piece));
  const tokens = pieces.flatMap(([piece, player]) =>
    player === null ? piece.split(/(\s+)/).map((text) => [text, null]) : [[piece, player]],
  );
  const groups = [[]];
  for (const [text, player] of tokens.filter(([each]) => each)) {
    if (player === null && !text.trim()) groups.push(text, []);
    else groups.at(-1).push([text, player]);
  }
  return groups.flatMap((group) => {
    if (typeof group === "string") return [group];
    const nodes = group.flatMap(([text, player]) => {
      if (player === null) return [text];
      // A browser places a switch without looking at its letters: marks on either side say which way they run.
      const mark = !turned ? null : TURNED.test(text) ? "\u200f" : /\p{L}/u.test(text) ? "\u200e" : null;
      return [mark, word(text, player), mark].filter((node) => node !== null);
    });
    const length = group.reduce((sum, [text]) => sum + text.length, 0);
    return nodes.length > 1 && length < 24 ? [make("span", { class: "together" }, ...nodes)] : nodes;
  });
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
    const size = Math.min(2.2 * unit, (image.areas.length > MANY ? 0.36 : 0.6) * areas[0][2]); // as there is room
    const label = make("text", { x: areas[0][0] + 0.27 * size, y: areas[0][1] + 1.09 * size }, String(player + 1));
    label.style.fontSize = `${size}px`;
    label.style.strokeWidth = `${0.19 * size}px`;
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
  setPresent(present.map((here, each) => (each === player ? 1 - here : here)));
}

function setPresent(players) {
  present = players;
  state = { ...state, present: present.every(Boolean) ? null : coded(present) };
  drawPresence();
  drawOutputs();
  drawActing();
  remember();
}

function drawPresence() {
  for (const node of $("stage").querySelectorAll("[data-player]")) {
    node.setAttribute("aria-pressed", String(Boolean(present[node.dataset.player])));
  }
  const [count, n] = [playersIn(present).length, present.length];
  $("count").textContent =
    `${count} of ${n} ${noun(n)} present; ${count === n ? `click a ${noun(1)} to mask it` : "what is masked has its baseline value"}.`;
}
