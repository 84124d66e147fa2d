// The list of interactions, and the one that is lit.

const GROUPS = {
  shared: (count) =>
    count === 1 ? "Salient" : count === 2 ? "Shared by both models" : `Shared by all ${count} models`,
  opposed: () => "Opposed: salient with either sign",
  distinctive: () => "Distinctive: salient in some models beyond error, in the others not",
  undecided: () => "Undecided: salient in some models",
  weak: () => "Salient in no model",
};

function drawList() {
  const model = state.sort === null ? null : view.models.findIndex((each) => data.models[each] === state.sort);
  const shown = { salient: STATES, listed: STATES, all: [...STATES, "weak"] }[state.show] ?? [state.show];
  const rows = selected(view.rows, { ...state, model }).filter(
    (row) => shown.includes(row.share) && (state.show !== "listed" || listed(row)),
  );
  $("found").textContent = `${whole(rows.length)} of the ${whole(view.rows.length)} that are not 0`;
  for (const name of $("columns").querySelectorAll("span")) name.remove();
  const names = view.models.map((each) => data.models[each]);
  $("columns").append(...names.map((name) => make("span", { title: name, "aria-hidden": "true" }, name)));
  let left = limit;
  const groups = shown.map((share) => {
    const members = rows.filter((row) => row.share === share);
    const first = members.slice(0, left);
    left -= first.length;
    if (!first.length) return null;
    const title = GROUPS[share](view.models.length);
    const heading = make("h3", { "aria-hidden": "true" }, title, make("span", {}, ` · ${whole(members.length)}`));
    return make(
      "div",
      { class: "group", role: "group", "aria-label": `${title}, ${members.length}` },
      heading,
      ...first.map(drawRow),
    );
  });
  const list = $("list");
  list.replaceChildren(...groups.filter(Boolean));
  document.querySelectorAll("#list ~ .more, #list ~ .empty").forEach((node) => node.remove());
  if (!rows.length) list.after(make("p", { class: "empty" }, "Nothing passes the filters."));
  const rest = rows.length - limit;
  if (rest > 0) {
    const text = rest > PAGE ? `Show ${PAGE} more of ${whole(rest)}` : `Show ${rest} more`;
    list.after(make("button", { type: "button", class: "more", onclick: showMore }, text));
  }
  const first = list.querySelector('[aria-selected="true"]') ?? list.querySelector(".row");
  if (first) first.tabIndex = 0;
}

function showMore() {
  const seen = $("list").querySelectorAll(".row").length;
  limit += PAGE;
  drawList();
  drawLit();
  rowsOnPage()[seen]?.focus();
}

function drawRow(row) {
  const flag = row.opposed ? make("span", { class: "flag", title: "Salient with opposite signs" }, "±") : null;
  const claims = rates(row).map(([claim, rate]) =>
    make("span", { class: rate <= data.discovery_rate ? "sure" : "" }, `${claim} ${percent(rate)}`),
  );
  const note = { class: "rates", title: "False discovery rate of each claim" };
  const [shared, solutions] = kept(row) ?? [0, 0];
  if (shared < solutions)
    claims.push(make("span", { class: "choice", title: keptText(row) }, `${shared} of ${solutions} solutions`));
  const named = make("span", { class: "named" }, names(row), claims.length ? make("span", note, ...claims) : null);
  const pinned = row.code === state.pin;
  return make(
    "div",
    {
      class: `row ${row.kind}${acts(row, present) ? "" : " off"}`,
      role: "option",
      tabindex: -1,
      "data-code": row.code,
      "aria-selected": String(pinned),
      "aria-label": spoken(row),
    },
    make("div", { class: "what" }, badge(row), view.sample.image ? thumbnail(row) : null, named, flag),
    ...row.strengths.map((_, i) => bar(row, i)),
  );
}

function keptText(row) {
  const [shared, solutions] = kept(row);
  return `Shared in ${shared} of ${solutions} solutions that are nearly as good.`;
}

function badge(row) {
  return make("span", { class: `badge ${row.kind}` }, row.kind.toUpperCase());
}

// Names of the players, joined by what the interaction does.
function names(row) {
  const players = row.players.map(nameOf);
  const joint = row.kind === "and" ? "∧" : "∨";
  return make(
    "span",
    { class: "players" },
    ...players.flatMap((name, i) => [i ? make("i", {}, `\u00a0${joint} `) : null, make("bdi", {}, name)]),
  );
}

function thumbnail(row) {
  const { width, height, url, areas } = view.sample.image;
  return make(
    "svg",
    { class: "thumb", viewBox: `0 0 ${width} ${height}`, "aria-hidden": "true" },
    make("image", { href: url, width, height }),
    make("path", {
      d: row.players.map((player) => outline(areas[player])).join(""),
    }),
  );
}

// Strength in one model, relative to its strongest interaction: to the right of the middle if it is positive.
function bar(row, i) {
  const [strength, error] = [row.strengths[i], row.errors[i]];
  const place = (value) => 50 + 50 * Math.max(-1, Math.min(1, value / strongestOf(view.parts[i])));
  const span = (name, from, to) => {
    const mark = make("span", { class: name });
    mark.style.left = `${place(Math.min(from, to))}%`;
    mark.style.width = `${place(Math.max(from, to)) - place(Math.min(from, to))}%`;
    return mark;
  };
  return make(
    "div",
    { class: `cell${row.salient[i] ? "" : " pale"}` },
    make(
      "div",
      { class: "scale" },
      span("strength", 0, strength),
      error === null ? null : span("error", strength - error, strength + error),
    ),
    make(
      "b",
      {},
      signed(strength),
      error === null ? null : make("small", {}, ` ± ${number(error, "auto", view.places)}`),
    ),
  );
}

function spoken(row) {
  const words = row.players.map(nameOf).join(", ");
  const strengths = view.models.map((model, i) => {
    const strength = withError(row.strengths[i], row.errors[i]);
    return `${data.models[model]} ${strength}${row.salient[i] ? "" : ", not salient"}`;
  });
  return [
    `${row.kind.toUpperCase()} of ${words}`,
    ...strengths,
    row.opposed ? "opposite signs" : row.share,
    listed(row) ? "listed" : null,
    acts(row, present) ? null : "switched off",
  ]
    .filter(Boolean)
    .join("; ");
}

function rowsOnPage() {
  return [...$("list").querySelectorAll(".row")];
}

// Rows fade that the players present do not set off.
function drawActing() {
  const known = new Map(view.rows.map((row) => [row.code, row]));
  for (const node of rowsOnPage()) {
    const row = known.get(node.dataset.code);
    node.classList.toggle("off", !acts(row, present));
    node.setAttribute("aria-label", spoken(row));
  }
}

function drawLit() {
  const code = hovered ?? state.pin;
  const row = code === null ? null : view.rows.find((each) => each.code === code);
  for (const node of $("stage").querySelectorAll("[data-player]")) {
    node.classList.toggle("lit", Boolean(row?.players.includes(Number(node.dataset.player))));
  }
  for (const node of rowsOnPage()) {
    node.classList.toggle("lit", node.dataset.code === code);
    node.setAttribute("aria-selected", String(node.dataset.code === state.pin));
  }
  if (row) $("stage").style.setProperty("--lit", `var(--${row.kind})`);
  const pinned = view.rows.find((each) => each.code === state.pin);
  if ($("lit").dataset.key === `${view.key} ${state.pin}`) return;
  $("lit").dataset.key = `${view.key} ${state.pin}`;
  $("lit").replaceChildren(...(pinned ? about(pinned) : []));
}

function about(row) {
  const when =
    row.order === 1 ? "it is present" : row.kind === "and" ? "all of them are present" : "any of them is present";
  const cells = view.models.map((model, i) =>
    make(
      "tr",
      {},
      make("th", { scope: "row" }, data.models[model]),
      make("td", {}, withError(row.strengths[i], row.errors[i])),
      make("td", {}, row.ranks[i] === null ? "–" : whole(row.ranks[i])),
      make("td", {}, row.salient[i] ? "yes" : "no"),
    ),
  );
  const among = (bits) => present.map((_, player) => Number(row.players.includes(player) === bits));
  const head = ["", "strength", "rank", "salient"].map((name) => make("th", { scope: "col" }, name));
  const note = [
    row.opposed ? "Models give it opposite signs." : null,
    ...rates(row).map(([claim, rate]) => `False discovery rate of “${claim}”: ${percent(rate)}.`),
    kept(row) ? keptText(row) : null,
  ];
  return [
    make("div", { class: `line ${row.kind}` }, badge(row), names(row)),
    make("p", { class: "muted small" }, [`Adds its strength when ${when}.`, ...note.filter(Boolean)].join(" ")),
    make("table", {}, make("thead", {}, make("tr", {}, ...head)), make("tbody", {}, ...cells)),
    make(
      "div",
      { class: "joined" },
      make("button", { type: "button", onclick: () => setPresent(among(true)) }, "Only these"),
      make("button", { type: "button", onclick: () => setPresent(among(false)) }, "Without these"),
      make("button", { type: "button", onclick: () => pin(row.code), "aria-label": "Let go of it" }, "×"),
    ),
  ];
}

function pin(code) {
  state = { ...state, pin: state.pin === code ? null : code };
  if (state.pin === null) hovered = null;
  drawLit();
  remember();
}
