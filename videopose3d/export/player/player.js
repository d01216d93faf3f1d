"use strict";
// The player of the exported page. Positions are metres, Y up; a view turns about the point it looks at.

// ---- motion: what the file holds

function bytes(base64) {
  const text = atob(base64), out = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) out[i] = text.charCodeAt(i);
  return new DataView(out.buffer);
}

// One person: joints relative to the pelvis as int16 steps of `unit` metres (-32768: not known), roots as float32.
function readPerson(person, motion) {
  const joints = bytes(person.joints), roots = bytes(person.roots), seen = bytes(person.seen);
  const contacts = bytes(person.contacts), count = motion.joints.length;
  return {
    id: person.id,
    isSeen: (frame) => seen.getUint8(frame) === 1,
    hasContacts: contacts.byteLength > 0,
    stands: (side, frame) => contacts.byteLength > 0 && (contacts.getUint8(frame) & (side === "left" ? 1 : 2)) > 0,
    pose(frame) {
      const root = [0, 1, 2].map((axis) => roots.getFloat32((frame * 3 + axis) * 4, true));
      if (root.some(Number.isNaN)) return null;
      const points = [];
      let known = 0;
      for (let joint = 0; joint < count; joint++) {
        const at = (frame * count + joint) * 6;
        const steps = [0, 2, 4].map((offset) => joints.getInt16(at + offset, true));
        const there = !steps.includes(-32768);
        points.push(there ? steps.map((value, axis) => value * motion.unit + root[axis]) : null);
        known += there;
      }
      return known ? points : null;
    },
  };
}

// The 2D keypoints of one person: pixels of the video as int16 steps, scores as parts of 255.
function readPoints(person, film) {
  const points = bytes(person.points), scores = bytes(person.scores), count = film.joints.length;
  return (frame) => film.joints.map((_, joint) => {
    const at = frame * count + joint, steps = [0, 2].map((offset) => points.getInt16(at * 4 + offset, true));
    if (steps.includes(-32768)) return null;
    return [...steps.map((value) => value * film.unit), scores.getUint8(at) / 255];
  });
}

function readMotion(text) {
  const motion = JSON.parse(text);
  motion.rate = motion.fps[0] / motion.fps[1];
  motion.actors = motion.people.map((person) => readPerson(person, motion));
  if (motion.film) motion.points = motion.film.people.map((person) => readPoints(person, motion.film));
  return motion;
}

// ---- view: from metres to the picture

const PRESETS = {
  camera: { yaw: 0, pitch: 0.12 },
  side: { yaw: Math.PI / 2, pitch: 0.12 },
  top: { yaw: 0, pitch: 1.5 },
};

// A point in camera coordinates of the view: x right, y up, z the distance [m].
function toView(point, view) {
  const [x, y, z] = point.map((value, axis) => value - view.target[axis]);
  const cy = Math.cos(view.yaw), sy = Math.sin(view.yaw), cp = Math.cos(view.pitch), sp = Math.sin(view.pitch);
  const across = cy * x - sy * z, toward = sy * x + cy * z;
  return [across, cp * y - sp * toward, view.distance - (sp * y + cp * toward)];
}

// Pixels of a view point, and how many of them a metre is there.
function toPixels(seen, size) {
  const scale = (size.focal * Math.min(size.width, size.height)) / Math.max(seen[2], 0.05);
  return [size.width / 2 + seen[0] * scale, size.height / 2 - seen[1] * scale, scale];
}

// The room that people need over the clip, outliers aside: middle and radius [m].
function room(motion) {
  const seen = [[], [], []], step = Math.max(1, Math.floor(motion.frames / 300));
  for (const actor of motion.actors) {
    for (let frame = 0; frame < motion.frames; frame += step) {
      for (const point of actor.pose(frame) || []) {
        if (point) point.forEach((value, axis) => seen[axis].push(value));
      }
    }
  }
  if (!seen[0].length) return { centre: [0, 0.9, 0], radius: 1.2 };
  const ends = seen.map((values) => {
    values.sort((a, b) => a - b);
    return [0.02, 0.98].map((share) => values[Math.round(share * (values.length - 1))]);
  });
  ends[1] = [0, Math.max(ends[1][1], 1.8)];
  const radius = Math.hypot(...ends.map(([low, high]) => high - low)) / 2;
  return { centre: ends.map(([low, high]) => (low + high) / 2), radius: Math.max(radius, 1.2) };
}

function clamp(value, low, high) {
  return Math.min(Math.max(value, low), high);
}

function frameAfter(frame, seconds, speed, motion) {
  const next = frame + seconds * speed * motion.rate;
  return motion.frames ? next % motion.frames : 0;
}

function timeText(frame, motion) {
  const seconds = frame / motion.rate;
  const minutes = Math.floor(seconds / 60);
  return `${minutes}:${(seconds - minutes * 60).toFixed(2).padStart(5, "0")}  ·  frame ${frame} of ${motion.frames}`;
}

// ---- drawing

function side(name) {
  return name.startsWith("left_") ? "left" : name.startsWith("right_") ? "right" : "middle";
}

// A bone that joins one side to the middle has the colour of the side; the rest is the person's own.
function boneColour(motion, bone, person) {
  const sides = new Set(bone.map((joint) => side(motion.joints[joint])));
  sides.delete("middle");
  return sides.size === 1 ? [...sides][0] : personColour(person);
}

function personColour(person) {
  return person ? `person-${((person - 1) % 4) + 2}` : "middle";
}

function drawGrid(pen, view, size, theme, around) {
  const reach = Math.ceil(around.radius + 1), x0 = Math.round(around.centre[0]), z0 = Math.round(around.centre[2]);
  pen.strokeStyle = theme.grid;
  for (let step = -reach; step <= reach; step++) {
    for (const ends of [
      [[x0 + step, 0, z0 - reach], [x0 + step, 0, z0 + reach]],
      [[x0 - reach, 0, z0 + step], [x0 + reach, 0, z0 + step]],
    ]) {
      const line = clipped(ends.map((end) => toView(end, view)));
      if (!line) continue;
      const [a, b] = line.map((end) => toPixels(end, size));
      pen.lineWidth = step === 0 ? 1.6 : 0.8;
      pen.beginPath();
      pen.moveTo(a[0], a[1]);
      pen.lineTo(b[0], b[1]);
      pen.stroke();
    }
  }
}

// The part of a line in front of the eye, or null.
function clipped([a, b], near = 0.1) {
  if (a[2] < near && b[2] < near) return null;
  if (a[2] >= near && b[2] >= near) return [a, b];
  const share = (near - a[2]) / (b[2] - a[2]);
  const cut = [0, 1, 2].map((axis) => a[axis] + share * (b[axis] - a[axis]));
  return a[2] < near ? [cut, b] : [a, cut];
}

function limbs(motion, poses, view) {
  const found = [];
  poses.forEach(({ points, seen, person }) => {
    if (!points) return;
    for (const bone of motion.bones) {
      const [from, to] = bone.map((joint) => points[joint]);
      if (!from || !to) continue;
      const line = clipped([toView(from, view), toView(to, view)]);
      if (line) found.push({ line, from, to, seen, colour: boneColour(motion, bone, person) });
    }
  });
  return found.sort((a, b) => b.line[0][2] + b.line[1][2] - a.line[0][2] - a.line[1][2]);
}

function stroke(pen, line, size, width) {
  const [a, b] = line.map((end) => toPixels(end, size));
  pen.lineWidth = Math.max(1.5, (width * (a[2] + b[2])) / 2);
  pen.beginPath();
  pen.moveTo(a[0], a[1]);
  pen.lineTo(b[0], b[1]);
  pen.stroke();
}

// A disc on the ground under every foot that stands.
function drawContacts(pen, motion, poses, view, size, theme) {
  pen.globalAlpha = 0.6;
  for (const { points, stands } of poses) {
    for (const foot of ["left", "right"]) {
      const ankle = points && points[motion.joints.indexOf(`${foot}_ankle`)];
      if (!ankle || !stands(foot)) continue;
      const rim = discAround(ankle).map((point) => toView(point, view));
      if (rim.some((point) => point[2] < 0.1)) continue;
      pen.fillStyle = theme[foot];
      pen.beginPath();
      for (const point of rim) pen.lineTo(...toPixels(point, size).slice(0, 2));
      pen.fill();
    }
  }
  pen.globalAlpha = 1;
}

function discAround([x, , z], radius = 0.13) {
  const angles = Array.from({ length: 20 }, (_, step) => (step * Math.PI) / 10);
  return angles.map((angle) => [x + radius * Math.cos(angle), 0, z + radius * Math.sin(angle)]);
}

function drawPeople(pen, motion, poses, view, size, theme) {
  const bones = limbs(motion, poses, view);
  pen.lineCap = "round";
  pen.strokeStyle = theme.shadow;
  pen.globalAlpha = 0.55;
  for (const { from, to } of bones) {
    const shadow = clipped([from, to].map(([x, , z]) => toView([x, 0, z], view)));
    if (shadow) stroke(pen, shadow, size, 0.06);
  }
  for (const { line, seen, colour } of bones) {
    pen.globalAlpha = seen ? 1 : 0.45;
    pen.strokeStyle = theme.page;
    stroke(pen, line, size, 0.06);
    pen.strokeStyle = theme[colour];
    stroke(pen, line, size, 0.04);
  }
  pen.globalAlpha = 1;
  if (motion.actors.length > 1) drawNumbers(pen, poses, view, size, theme);
}

function drawNumbers(pen, poses, view, size, theme) {
  pen.font = "600 13px system-ui, sans-serif";
  pen.textAlign = "center";
  for (const { points, person, id } of poses) {
    const known = (points || []).filter(Boolean);
    if (!known.length) continue;
    const top = known.reduce((a, b) => (b[1] > a[1] ? b : a));
    const seen = toView([top[0], top[1] + 0.15, top[2]], view);
    if (seen[2] < 0.1) continue;
    const [x, y] = toPixels(seen, size);
    pen.fillStyle = theme[personColour(person)];
    pen.fillText(String(id), x, y);
  }
}

// The 2D keypoints over the video, which fills the box without being cut.
function drawPoints(pen, motion, frame, box, theme) {
  const film = motion.film, scale = Math.min(box.width / film.size[0], box.height / film.size[1]);
  const left = (box.width - film.size[0] * scale) / 2, top = (box.height - film.size[1] * scale) / 2;
  const shown = { joints: film.joints };
  pen.lineCap = "round";
  motion.points.forEach((points, person) => {
    const found = points(frame).map((point) => point && [left + point[0] * scale, top + point[1] * scale, point[2]]);
    for (const bone of film.bones) {
      const [a, b] = bone.map((joint) => found[joint]);
      if (!a || !b) continue;
      pen.globalAlpha = 0.25 + 0.75 * Math.min(a[2], b[2]);
      for (const [colour, width] of [[theme.page, 4.5], [theme[boneColour(shown, bone, person)], 2.5]]) {
        pen.strokeStyle = colour;
        pen.lineWidth = width;
        pen.beginPath();
        pen.moveTo(a[0], a[1]);
        pen.lineTo(b[0], b[1]);
        pen.stroke();
      }
    }
  });
  pen.globalAlpha = 1;
}

// When the feet of one person stand, over the whole clip, and where the clip is now.
function drawSteps(pen, actor, frame, frames, box, theme) {
  const width = box.width / frames, row = box.height / 2;
  pen.fillStyle = theme.panel;
  pen.fillRect(0, 0, box.width, box.height);
  ["left", "right"].forEach((foot, number) => {
    pen.fillStyle = theme[foot];
    for (let start = 0; start < frames; start++) {
      if (!actor.stands(foot, start)) continue;
      let end = start + 1;
      while (end < frames && actor.stands(foot, end)) end++;
      pen.fillRect(start * width, number * row + 1, (end - start) * width, row - 2);
      start = end;
    }
  });
  pen.fillStyle = theme.text;
  pen.fillRect(clamp((frame + 0.5) * width - 1, 0, box.width - 2), 0, 2, box.height);
}

// ---- the page

// The video of the page, its clock that of the clip while it plays; null where there is none.
function openFilm(motion, element) {
  const data = element("film-data").textContent;
  if (!motion.film || !data) return null;
  const video = element("video");
  video.src = URL.createObjectURL(new Blob([bytes(data)], { type: "video/mp4" }));
  video.addEventListener("error", () => (element("film").hidden = true));
  const usable = () => !element("film").hidden && video.readyState > 0;
  let shown = null;  // time of the picture that stands on the screen; a busy browser lags behind the clock
  function note(_, picture) {
    shown = picture.mediaTime;
    video.requestVideoFrameCallback(note);
  }
  if (video.requestVideoFrameCallback) video.requestVideoFrameCallback(note);
  return {
    usable,
    play(speed) {
      video.playbackRate = speed;
      if (usable() && video.paused && !video.ended) video.play().catch(() => {});
    },
    pause: () => video.pause(),
    show(frame) {
      if (usable()) video.currentTime = Math.min((frame + 0.5) / motion.rate, video.duration);
    },
    frame() {
      if (video.ended) return motion.frames;
      return shown === null ? video.currentTime * motion.rate : Math.round(shown * motion.rate);
    },
    running: () => usable() && !video.paused && !video.seeking,
  };
}

function start() {
  const element = (id) => document.getElementById(id);
  const motion = readMotion(element("motion").textContent);
  const canvas = element("scene"), pen = canvas.getContext("2d"), around = room(motion);
  const state = { frame: 0, playing: false, orbit: false, follow: false, points: true, speed: 1, last: 0, dirty: true };
  const view = { yaw: 0, pitch: 0, distance: 1, target: [0, 0, 0] };
  const film = openFilm(motion, element), overlay = element("overlay"), steps = element("steps");
  const walker = motion.actors.find((actor) => actor.hasContacts);
  let theme = {}, size = { width: 1, height: 1, focal: 1.2 };

  function setTheme(name) {
    document.documentElement.dataset.theme = name;
    element("theme").textContent = name === "light" ? "Dark" : "Light";
    const style = getComputedStyle(document.documentElement);
    for (const key of ["page", "panel", "grid", "shadow", "left", "right", "middle", "text", "person-2", "person-3", "person-4", "person-5"])
      theme[key] = style.getPropertyValue(`--${key}`).trim();
    state.dirty = true;
  }

  function fit(surface) {
    const ratio = window.devicePixelRatio || 1, box = surface.getBoundingClientRect();
    surface.width = Math.round(box.width * ratio);
    surface.height = Math.round(box.height * ratio);
    surface.getContext("2d").setTransform(ratio, 0, 0, ratio, 0, 0);
    return box;
  }

  function resize() {
    const box = fit(canvas);
    size = { ...size, width: box.width, height: box.height };
    for (const surface of [overlay, steps]) if (surface.offsetParent) fit(surface);
    state.dirty = true;
  }

  function look(name) {
    Object.assign(view, PRESETS[name], { target: [...around.centre], distance: around.radius * 2.6 + 1 });
    state.dirty = true;
  }

  function toggle(name, button) {
    state[name] = !state[name];
    element(button).setAttribute("aria-pressed", String(state[name]));
    if (name === "follow" && !state.follow) view.target = [...around.centre];
    state.dirty = true;
  }

  function play(on) {
    state.playing = on && motion.frames > 1;
    element("play").innerHTML = state.playing ? "&#10074;&#10074;" : "&#9654;";
    element("play").setAttribute("aria-label", state.playing ? "Pause" : "Play");
    if (film && !state.playing) film.pause();
    if (film && !state.playing) film.show(Math.floor(state.frame));
  }

  function move(frame) {
    state.frame = clamp(frame, 0, Math.max(motion.frames - 1, 0));
    state.dirty = true;
  }

  function seek(frame) {
    move(frame);
    if (film) film.show(Math.floor(state.frame));
  }

  // The clip goes on by the clock of the video where there is one, else by that of the page.
  function advance(seconds) {
    const own = frameAfter(state.frame, seconds, state.speed, motion);
    if (!film || !film.usable()) return move(own);
    film.play(state.speed);
    if (film.frame() >= motion.frames) return seek(0);
    return film.running() ? move(film.frame()) : undefined;
  }

  function changeSpeed(by) {
    const options = [...element("speed").options];
    element("speed").selectedIndex = clamp(element("speed").selectedIndex + by, 0, options.length - 1);
    state.speed = Number(element("speed").value);
  }

  function zoom(factor) {
    view.distance = clamp(view.distance * factor, 0.5, 200);
    state.dirty = true;
  }

  function followed(poses) {
    const first = poses.find((entry) => entry.points && entry.points[0]);
    if (first) view.target = [first.points[0][0], around.centre[1], first.points[0][2]];
  }

  function draw() {
    const frame = Math.floor(state.frame);
    const poses = motion.frames
      ? motion.actors.map((actor, person) => ({
          points: actor.pose(frame), seen: actor.isSeen(frame), stands: (foot) => actor.stands(foot, frame), person, id: actor.id,
        }))
      : [];
    if (state.follow) followed(poses);
    pen.fillStyle = theme.page;
    pen.fillRect(0, 0, size.width, size.height);
    drawGrid(pen, view, size, theme, around);
    drawContacts(pen, motion, poses, view, size, theme);
    drawPeople(pen, motion, poses, view, size, theme);
    drawAround(frame);
    element("nobody").hidden = poses.some((entry) => entry.points);
    element("seek").value = String(frame);
    element("time").textContent = timeText(frame, motion);
  }

  function drawAround(frame) {
    if (overlay.offsetParent) {
      const box = overlay.getBoundingClientRect(), ink = overlay.getContext("2d");
      ink.clearRect(0, 0, box.width, box.height);
      if (state.points && motion.frames) drawPoints(ink, motion, frame, box, theme);
    }
    if (walker) drawSteps(steps.getContext("2d"), walker, frame, motion.frames, steps.getBoundingClientRect(), theme);
  }

  function tick(now) {
    const seconds = Math.min((now - state.last) / 1000, 0.25);
    state.last = now;
    if (state.playing) advance(seconds);
    if (state.orbit) view.yaw += seconds * 0.35;
    if (state.dirty || state.orbit) draw();
    state.dirty = false;
    requestAnimationFrame(tick);
  }

  function pan(dx, dy) {
    const metre = toPixels([0, 0, view.distance], size)[2];
    const cy = Math.cos(view.yaw), sy = Math.sin(view.yaw);
    view.target[0] -= (dx / metre) * cy;
    view.target[2] += (dx / metre) * sy;
    view.target[1] += dy / metre;
  }

  const touches = new Map();
  canvas.addEventListener("pointerdown", (event) => {
    canvas.setPointerCapture(event.pointerId);
    touches.set(event.pointerId, [event.clientX, event.clientY]);
  });
  canvas.addEventListener("pointermove", (event) => {
    const before = touches.get(event.pointerId);
    if (!before) return;
    const spread = () => {
      const [a, b] = [...touches.values()];
      return Math.hypot(a[0] - b[0], a[1] - b[1]);
    };
    const old = touches.size === 2 ? spread() : 0;
    const dx = event.clientX - before[0], dy = event.clientY - before[1];
    touches.set(event.pointerId, [event.clientX, event.clientY]);
    if (touches.size === 2) {
      zoom(old / Math.max(spread(), 1));
      pan(dx / 2, dy / 2);
    } else if (event.shiftKey || event.buttons & 2) {
      pan(dx, dy);
    } else {
      view.yaw -= dx * 0.008;
      view.pitch = clamp(view.pitch + dy * 0.008, -0.3, 1.55);
    }
    state.dirty = true;
  });
  for (const name of ["pointerup", "pointercancel"])
    canvas.addEventListener(name, (event) => touches.delete(event.pointerId));
  canvas.addEventListener("contextmenu", (event) => event.preventDefault());
  canvas.addEventListener("wheel", (event) => {
    event.preventDefault();
    zoom(Math.exp(clamp(event.deltaY, -200, 200) * 0.0015));
  }, { passive: false });

  const step = (event) => (event.shiftKey ? Math.round(motion.rate) : 1);
  const keys = {
    " ": () => play(!state.playing),
    ArrowRight: (event) => seek(Math.floor(state.frame) + step(event)),
    ArrowLeft: (event) => seek(Math.floor(state.frame) - step(event)),
    Home: () => seek(0),
    End: () => seek(motion.frames - 1),
    ArrowUp: () => changeSpeed(1),
    ArrowDown: () => changeSpeed(-1),
    1: () => look("camera"),
    2: () => look("side"),
    3: () => look("top"),
    "+": () => zoom(0.85),
    "=": () => zoom(0.85),
    "-": () => zoom(1 / 0.85),
    o: () => toggle("orbit", "orbit"),
    f: () => toggle("follow", "follow"),
    k: () => element("points").click(),
    t: () => element("theme").click(),
    "?": () => element("help").click(),
  };
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const own = event.target.tagName;
    if (own === "SELECT" || (own === "BUTTON" && event.key === " ")) return;
    const act = keys[event.key] || keys[event.key.toLowerCase()];
    if (!act) return;
    event.preventDefault();
    act(event);
  });

  element("play").addEventListener("click", () => play(!state.playing));
  element("seek").max = String(Math.max(motion.frames - 1, 0));
  element("seek").addEventListener("input", (event) => {
    play(false);
    seek(Number(event.target.value));
  });
  element("speed").addEventListener("change", (event) => (state.speed = Number(event.target.value)));
  for (const name of ["orbit", "follow"]) element(name).addEventListener("click", () => toggle(name, name));
  for (const button of document.querySelectorAll("[data-view]"))
    button.addEventListener("click", () => look(button.dataset.view));
  element("points").addEventListener("click", () => toggle("points", "points"));
  element("theme").addEventListener("click", () => setTheme(document.documentElement.dataset.theme === "light" ? "dark" : "light"));
  element("help").addEventListener("click", () => {
    element("keys").hidden = !element("keys").hidden;
    element("help").setAttribute("aria-expanded", String(!element("keys").hidden));
  });

  element("facts").textContent = motion.facts;
  const entries = [["left", "their left"], ["right", "their right"]];
  if (motion.actors.length > 1)
    motion.actors.forEach((actor, person) => entries.push([personColour(person), `person ${actor.id}`]));
  for (const [colour, words] of entries) {
    const item = document.createElement("li"), swatch = document.createElement("i");
    swatch.style.background = `var(--${colour})`;
    item.append(swatch, words);
    element("legend").append(item);
  }

  element("film").hidden = element("points").hidden = !film;
  steps.hidden = !walker || !motion.frames;
  const light = matchMedia("(prefers-color-scheme: light)");
  light.addEventListener("change", () => setTheme(light.matches ? "light" : "dark"));
  new ResizeObserver(resize).observe(canvas);
  setTheme(light.matches ? "light" : "dark");
  resize();
  look("camera");
  play(!matchMedia("(prefers-reduced-motion: reduce)").matches);
  requestAnimationFrame((now) => {
    state.last = now;
    tick(now);
  });
}

if (typeof document !== "undefined") start();
