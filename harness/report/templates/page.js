"use strict";
// Draws what the matrix leads to. Text from a run becomes text nodes and attributes only, never markup.
(() => {
  const $ = (id) => document.getElementById(id);
  const rows = [...document.querySelectorAll("#matrix tbody tr")];
  const columns = [...document.querySelectorAll("#columns li code")].map((code) => code.textContent);
  const detail = $("detail");
  const SVG = "http://www.w3.org/2000/svg";
  const CONTEXT = 6, EFFORT_MAX = 1000000, STEP_WIDTH = 9, LANE_HEIGHT = 15;
  let shown = null;

  function make(name, attributes = {}, ...children) {
    const node = document.createElement(name);
    for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
    node.append(...children);
    return node;
  }
  function draw(name, attributes, text) {
    const node = document.createElementNS(SVG, name);
    for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
    if (text !== undefined) node.append(text);
    return node;
  }
  async function unpack(id) {
    const block = $(id);
    if (!block) return null;
    const bytes = Uint8Array.from(atob(block.textContent), (character) => character.charCodeAt(0));
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
    return JSON.parse(await new Response(stream).text());
  }

  // Filters

  function filter() {
    const words = $("search").value.toLowerCase().split(/\s+/).filter(Boolean);
    const group = $("group").value, verdict = $("verdict").value, different = $("different").checked;
    let count = 0;
    for (const row of rows) {
      const links = [...row.querySelectorAll("a[data-verdict]")];
      const text = (row.textContent + " " + row.dataset.sources + " " + row.dataset.groups + " " +
        links.map((link) => link.title).join(" ")).toLowerCase();
      row.hidden = !(words.every((word) => text.includes(word)) &&
        (!group || row.dataset.groups.split(" ").includes(group)) &&
        (!verdict || links.some((link) => link.dataset.verdict === verdict)) &&
        (!different || "different" in row.dataset));
      count += !row.hidden;
    }
    $("count").textContent = `${count} of ${rows.length} cases`;
  }
  $("filters").addEventListener("input", filter);
  $("filters").addEventListener("submit", (event) => event.preventDefault());

  // Two transcripts side by side: [left index or -1, right index or -1, whether they are equal]

  function align(left, right) {
    let start = 0, end = 0;
    const shortest = Math.min(left.length, right.length);
    while (start < shortest && left[start] === right[start]) start++;
    while (end < shortest - start && left[left.length - 1 - end] === right[right.length - 1 - end]) end++;
    const pairs = [];
    for (let index = 0; index < start; index++) pairs.push([index, index, true]);
    const a = left.slice(start, left.length - end), b = right.slice(start, right.length - end);
    const gap = (firstA, endA, firstB, endB) => {
      for (let index = 0; index < Math.max(endA - firstA, endB - firstB); index++) {
        pairs.push([firstA + index < endA ? start + firstA + index : -1,
          firstB + index < endB ? start + firstB + index : -1, false]);
      }
    };
    if (a.length * b.length > EFFORT_MAX) gap(0, a.length, 0, b.length);
    else {
      const width = b.length + 1, table = new Uint32Array((a.length + 1) * width);
      for (let i = a.length - 1; i >= 0; i--) for (let j = b.length - 1; j >= 0; j--) {
        table[i * width + j] = a[i] === b[j] ? table[(i + 1) * width + j + 1] + 1
          : Math.max(table[(i + 1) * width + j], table[i * width + j + 1]);
      }
      let i = 0, j = 0, firstA = 0, firstB = 0;
      while (i < a.length && j < b.length) {
        if (a[i] === b[j]) {
          gap(firstA, i, firstB, j);
          pairs.push([start + i, start + j, true]);
          firstA = ++i; firstB = ++j;
        } else if (table[(i + 1) * width + j] >= table[i * width + j + 1]) i++; else j++;
      }
      gap(firstA, a.length, firstB, b.length);
    }
    for (let index = end; index > 0; index--) pairs.push([left.length - index, right.length - index, true]);
    return pairs;
  }

  function transcripts(left, right, step, address) {
    const box = make("div", { class: "transcript", role: "table", "aria-label": "expected and printed" });
    const pairs = left ? align(left, right) : right.map((line, index) => [-1, index, true]);
    const near = new Set();
    pairs.forEach((pair, index) => {
      if (!pair[2] || pair[1] + 1 === step) {
        for (let other = index - CONTEXT; other <= index + CONTEXT; other++) near.add(other);
      }
    });
    const folds = near.size > 0 && pairs.length > 60;
    const add = (from, to, before) => {
      const parts = [];
      for (let index = from; index < to; index++) {
        const [one, other, equal] = pairs[index];
        const first = index === firstIndex ? " first" : "";
        const chosen = other + 1 === step ? " chosen" : "";
        const mark = (equal ? "" : " differs") + chosen;
        parts.push(
          make("span", { class: "number" }, one < 0 ? "" : String(one + 1)),
          make("span", { class: "left" + mark + first }, one < 0 ? "" : left[one]),
          other < 0 ? make("span", { class: "number" }) :
            make("a", { class: "number", href: `${address}/${other + 1}`, id: `step-${other + 1}` }, String(other + 1)),
          make("span", { class: "right" + mark }, other < 0 ? "" : right[other]));
      }
      if (before) before.replaceWith(...parts); else box.append(...parts);
    };
    const firstIndex = pairs.findIndex((pair) => !pair[2]);
    for (let index = 0; index < pairs.length;) {
      let end = index;
      while (end < pairs.length && folds && !near.has(end)) end++;
      if (end - index > 3) {
        const from = index, to = end;
        const fold = make("button", { class: "fold", type: "button" }, `${end - index} equal lines`);
        fold.addEventListener("click", () => add(from, to, fold));
        box.append(fold);
        index = end;
      } else {
        const from = index;
        index = Math.max(end, index + 1);
        add(from, index);
      }
    }
    return box;
  }

  // Timeline and strips

  function color(value) {
    if (!value) return "none";
    if (value === "00") return "#8b949e";
    let number = 7;
    for (const character of value) number = (number * 31 + character.charCodeAt(0)) % 360;
    return `hsl(${(number * 47) % 360} 65% 55%)`;
  }
  function heldAt(disk, step) {
    const cells = [...disk.cells];
    for (const [line, changes] of disk.changes) {
      if (line > step) break;
      for (const [index, value] of Object.entries(changes)) cells[Number(index)] = value;
    }
    return cells;
  }
  function strip(cells, fills, titles) {
    const svg = draw("svg", { viewBox: `0 0 ${Math.max(cells.length, 1)} 1`, preserveAspectRatio: "none", role: "img" });
    cells.forEach((cell, index) => {
      const rectangle = draw("rect", { x: index, y: 0, width: 1, height: 1, fill: fills(cell) });
      rectangle.append(draw("title", {}, `${titles(index)}: ${cell || "hole"}`));
      svg.append(rectangle);
    });
    return svg;
  }
  function strips(data, step) {
    const box = make("div", { class: "strip", id: "strip" });
    const position = step > 0 ? data.lines[step - 1] ?? data.length : 0;
    const row = (name, svg) => { svg.setAttribute("aria-label", name); box.append(make("span", {}, name), svg); };
    for (const disk of data.disks) {
      row(disk.name, strip(heldAt(disk, step), color, (index) => `${index * disk.cell_bytes}+${disk.cell_bytes}`));
    }
    const marks = (cell) => cell === "1" ? "#cf222e" : "none";
    if (data.dirty.length) {
      const known = data.dirty.filter(([when]) => when <= position).pop();
      const cells = known ? [...known[1]] : [...data.dirty[0][1]].map(() => "0");
      row("dirty", strip(cells, marks, (index) => `cell ${index}, dirty`));
    } else if (data.disks.length >= 2) {
      const [one, other] = data.disks.map((disk) => heldAt(disk, step));
      const same = (a, b) => (a || "00") === (b || "00");
      row("differs", strip(one.map((cell, index) => same(cell, other[index]) ? "0" : "1"), marks, (index) => `cell ${index}`));
    }
    return box;
  }
  function timelinePicture(data, step) {
    const packed = [];
    for (const [name, bars] of Object.entries(data.lanes)) {
      if (!bars.length) continue;
      const ends = [];
      packed.push([name, bars.map((bar) => {
        const end = bar[1] < 0 ? data.length : bar[1];
        let level = ends.findIndex((last) => last < bar[0]);
        if (level < 0) level = Math.min(ends.length, 15);
        ends[level] = Math.max(end, bar[0]);
        return [level, bar[0], end, bar[2], bar[3]];
      }), Math.min(ends.length, 16)]);
    }
    const left = 90, width = left + (data.length + 2) * STEP_WIDTH;
    const height = 20 + packed.reduce((sum, [, , levels]) => sum + levels * LANE_HEIGHT + 6, 0);
    const svg = draw("svg", { width, height, role: "img", "aria-label": "timeline" });
    let y = 16;
    data.lines.forEach((position, index) => {
      if ((index + 1) % 5 === 0) svg.append(draw("text", { x: left + position * STEP_WIDTH, y: 11 }, String(index + 1)));
    });
    for (const [name, bars, levels] of packed) {
      svg.append(draw("text", { class: "name", x: 2, y: y + 11 }, name), draw("line", { class: "lane", x1: 0, x2: width, y1: y - 2, y2: y - 2 }));
      for (const [level, start, end, text, style] of bars) {
        const bar = draw("rect", { class: `bar ${style}`, x: left + start * STEP_WIDTH, y: y + level * LANE_HEIGHT,
          width: Math.max((end - start) * STEP_WIDTH, 5), height: LANE_HEIGHT - 3, rx: 2 });
        bar.append(draw("title", {}, text));
        svg.append(bar);
        if ((end - start) * STEP_WIDTH > text.length * 6.5) {
          svg.append(draw("text", { x: left + start * STEP_WIDTH + 2, y: y + level * LANE_HEIGHT + 10 }, text));
        }
      }
      y += levels * LANE_HEIGHT + 6;
    }
    const x = left + (step > 0 ? data.lines[step - 1] ?? data.length : 0) * STEP_WIDTH;
    svg.append(...svg.querySelectorAll(".name"));
    svg.append(draw("line", { class: "cursor", id: "cursor", x1: x, x2: x, y1: 0, y2: height }));
    return [svg, x];
  }
  function timeline(data, step, address) {
    const box = make("section", { id: "timeline" }, make("h3", {}, "timeline"));
    if (data.problem) { box.append(make("p", { class: "bad" }, data.problem)); return box; }
    if (data.is_cut) box.append(make("p", { class: "note" }, "The trace was too long; this is its beginning."));
    const [svg, x] = timelinePicture(data, step);
    const frame = make("div", { class: "timeline", tabindex: "0" });
    frame.append(svg);
    frame.addEventListener("scroll", () => {
      for (const name of svg.querySelectorAll(".name")) name.setAttribute("x", frame.scrollLeft + 2);
    });
    const slider = make("input", { type: "range", id: "step", min: 0, max: data.lines.length, "aria-label": "step" });
    slider.value = step;
    slider.addEventListener("change", () => { location.hash = `${address}/${slider.value}`; });
    box.append(slider, strips(data, step), frame);
    requestAnimationFrame(() => { frame.scrollLeft = Math.max(0, x - frame.clientWidth / 2); });
    return box;
  }

  // One case

  async function show() {
    const [name, columnText, stepText] = location.hash.slice(1).split("/").map(decodeURIComponent);
    const row = rows.find((each) => each.dataset.case === name);
    const request = shown = {};
    if (!row) { detail.hidden = true; return; }
    const column = Math.min(Math.max(Number(columnText) || 1, 1), columns.length), step = Number(stepText) || 0;
    const index = row.dataset.index;
    const address = `#${name}/${column}`;
    const [block, drawn] = await Promise.all([unpack(`c${index}`), unpack(`t${index}-${column}`)]);
    if (request !== shown) return;
    const parts = [make("h2", {}, `${name} on ${columns[column - 1]}`)];
    parts.push(make("p", {}, row.querySelector(".claim").textContent));
    const others = make("nav", { "aria-label": "implementations" });
    columns.forEach((each, number) => {
      const link = make("a", { href: `#${name}/${number + 1}` }, each);
      if (number + 1 === column) link.setAttribute("aria-current", "true");
      others.append(link);
    });
    others.append(make("a", { href: "#", id: "back" }, "back to the matrix"));
    parts.push(others);
    if (!block) parts.push(make("p", { class: "note" }, "The transcripts are not on this page, because it would be too large."));
    else {
      const side = block.sides[column - 1];
      if (side.reason) parts.push(make("p", { class: "bad", id: "reason" }, side.reason));
      if (side.explanation) parts.push(make("p", { id: "explanation" }, side.explanation));
      if (side.transcript >= 0) {
        const right = block.transcripts[side.transcript];
        const chosen = make("select", { id: "against", "aria-label": "compare with" });
        const choices = [["expected", side.expected], ["golden", block.golden]];
        block.sides.forEach((other, number) => {
          if (number + 1 !== column) choices.push([columns[number], other.transcript]);
        });
        for (const [label, number] of choices) {
          if (number >= 0) chosen.append(make("option", { value: number }, label));
        }
        const place = make("div");
        const fill = () => place.replaceChildren(
          transcripts(block.transcripts[Number(chosen.value)] ?? null, right, step, address));
        chosen.addEventListener("change", fill);
        fill();
        parts.push(make("h3", {}, "transcripts"), make("p", {}, "left: ", chosen, `, right: ${columns[column - 1]}`), place);
      }
      if (side.detail.length) parts.push(make("h3", {}, "detail"), make("pre", {}, side.detail.join("\n")));
      if (side.repeat) parts.push(make("p", {}, "repeat: ", make("code", {}, side.repeat)));
    }
    if (drawn) parts.push(timeline(drawn, step, address));
    else parts.push(make("p", { class: "note" }, "There is no timeline of this run on the page."));
    detail.replaceChildren(...parts);
    detail.hidden = false;
    detail.dataset.ready = location.hash;
    // Whoever comes from the matrix wants the first difference, also where it is something missing before the step.
    const isFromMatrix = [...row.querySelectorAll("a[data-verdict]")].some((link) => link.hash === location.hash);
    const order = isFromMatrix ? [".first", ".chosen"] : [".chosen", ".first"];
    const line = order.map((each) => detail.querySelector(each)).find(Boolean);
    detail.scrollIntoView({ block: "start" });
    if (line) line.parentElement.scrollTop = line.offsetTop - line.parentElement.offsetTop - 80;
    detail.focus({ preventScroll: true });
  }
  function move(by) {
    const links = rows.filter((row) => !row.hidden && "different" in row.dataset)
      .map((row) => row.querySelector("a[data-verdict=fail], a[data-verdict=broken]") || row.querySelector("a[data-verdict]"))
      .filter(Boolean).map((link) => link.getAttribute("href"));
    if (!links.length) return;
    const current = links.findIndex((link) => link.split("/")[0] === location.hash.split("/")[0]);
    location.hash = links[current < 0 ? (by > 0 ? 0 : links.length - 1) : (current + by + links.length) % links.length];
  }
  function stepBy(by) {
    const slider = $("step");
    if (!slider) return;
    const [name, column] = location.hash.split("/");
    const step = Math.min(Math.max(Number(slider.value) + by, 0), Number(slider.max));
    location.hash = `${name}/${column || 1}/${step}`;
  }
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.altKey || event.metaKey) return;
    if (event.key === "Escape") { location.hash = ""; $("search").blur(); return; }
    if (/^(INPUT|SELECT|TEXTAREA)$/.test(event.target.tagName) && event.target.type !== "range") return;
    const keys = { "/": () => $("search").focus(), n: () => move(1), p: () => move(-1), j: () => stepBy(1), k: () => stepBy(-1) };
    if (keys[event.key]) { event.preventDefault(); keys[event.key](); }
  });
  addEventListener("hashchange", show);
  filter();
  show();
})();
