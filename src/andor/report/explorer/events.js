// What pointer, keys and address do.

function listen() {
  const step = (by) => {
    const place = data.samples.findIndex((sample) => sample.number === state.sample) + by;
    if (data.samples[place]) change({ sample: data.samples[place].number });
  };
  $("sample").addEventListener("change", (event) => change({ sample: Number(event.target.value) }));
  $("previous").addEventListener("click", () => step(-1));
  $("next").addEventListener("click", () => step(1));
  $("ensemble").addEventListener("change", (event) => change({ ensemble: event.target.value }));
  $("sort").addEventListener("change", (event) => change({ sort: event.target.value || null }));
  $("low").addEventListener("change", (event) =>
    change({ low: Number(event.target.value), high: Math.max(state.high, Number(event.target.value)) }),
  );
  $("high").addEventListener("change", (event) =>
    change({ high: Number(event.target.value), low: Math.min(state.low, Number(event.target.value)) }),
  );
  $("all-on").addEventListener("click", () => setPresent(present.map(() => 1)));
  $("all-off").addEventListener("click", () => setPresent(present.map(() => 0)));
  $("invert").addEventListener("click", () => setPresent(present.map((here) => 1 - here)));
  $("link").addEventListener("click", copyLink);
  $("link").hidden = location.protocol === "about:"; // in a notebook's frame there is no address
  for (const input of [$("k"), $("k-number")]) {
    input.addEventListener("input", () => {
      const k = Math.round(Number(input.value));
      if (input.value === "" || !(k >= 0)) return;
      state = { ...state, k: Math.min(k, view.most) };
      drawOutputs();
      remember();
    });
    input.addEventListener("change", () => ($("k-number").value = Math.min(state.k ?? view.usual, view.most)));
  }

  const list = $("list");
  const codeOf = (event) => {
    const row = event.target.closest?.(".row");
    return row ? row.dataset.code : null;
  };
  const light = (code) => {
    if (code === hovered) return;
    hovered = code;
    drawLit();
  };
  list.addEventListener("pointerover", (event) => event.pointerType === "mouse" && light(codeOf(event)));
  list.addEventListener("pointerleave", () => light(codeOf({ target: document.activeElement })));
  list.addEventListener("focusin", (event) => light(codeOf(event)));
  list.addEventListener("focusout", () => light(null));
  list.addEventListener("click", (event) => codeOf(event) !== null && pin(codeOf(event)));
  list.addEventListener("keydown", walk);

  new ResizeObserver(fit).observe(document.querySelector(".left"));
  window.addEventListener("resize", fit);
  window.addEventListener("hashchange", () => change(asked(location.hash.slice(1))));
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", drawChoices);
}

// One row of the list takes the focus; the arrow keys hand it on.
function walk(event) {
  const rows = rowsOnPage();
  const at = rows.indexOf(event.target.closest(".row"));
  const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: rows.length - 1, PageDown: at + 10, PageUp: at - 10 }[
    event.key
  ];
  if (event.key === "Enter" || event.key === " ") pin(rows[at].dataset.code);
  else if (event.key === "Escape" && state.pin !== null) pin(state.pin);
  else if (to === undefined) return;
  else {
    const next = rows[Math.min(rows.length - 1, Math.max(0, to))];
    rows.forEach((row) => (row.tabIndex = -1));
    next.tabIndex = 0;
    next.focus();
  }
  event.preventDefault();
}

// The left column stays in sight while the list is scrolled: its top if it fits into the window, else its bottom.
function fit() {
  const left = document.querySelector(".left");
  left.style.top = `${Math.min(16, window.innerHeight - left.offsetHeight - 16)}px`;
}

async function copyLink() {
  const said = $("link").textContent;
  try {
    await navigator.clipboard.writeText(location.href);
    $("link").textContent = "Link copied";
  } catch {
    $("link").textContent = "The address bar has the link";
  }
  setTimeout(() => ($("link").textContent = said), 2000);
}

state = asked(location.hash.slice(1));
change(state);
listen();
