// Asks the server for its state every few seconds and shows it. Everything is written as text, never as markup.
const intervalMs = 3000;
const byId = (id) => document.getElementById(id);

function fill(selector, text) {
  for (const place of document.querySelectorAll(selector)) place.textContent = text;
}

function element(name, className, text) {
  const made = document.createElement(name);
  made.className = className;
  made.textContent = text;
  return made;
}

function bytes(count) {
  const units = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"];
  let value = count;
  let unit = 0;
  for (; value >= 1024 && unit < units.length - 1; unit++) value /= 1024;
  return `${unit === 0 || value >= 100 ? Math.round(value) : value.toFixed(1)} ${units[unit]}`;
}

function counted(count, noun) {
  return `${count.toLocaleString("en")} ${noun}${count === 1 ? "" : "s"}`;
}

function driveCard(drive) {
  const card = element("li", "", "");
  card.append(element("strong", "", `Drive ${drive.position}`));
  card.append(
    element("span", drive.condition, drive.reason === null ? drive.condition : `${drive.condition}: ${drive.reason}`),
  );
  const meter = document.createElement("meter");
  meter.max = Math.max(1, drive.totalBytes);
  meter.high = meter.max * 0.85;
  meter.value = drive.totalBytes - drive.freeBytes;
  meter.title = `${bytes(meter.value)} used`;
  card.append(meter);
  card.append(element("span", "faint", `${bytes(drive.freeBytes)} free of ${bytes(drive.totalBytes)}`));
  card.append(element("span", "faint", counted(drive.shardCount, "shard")));
  return card;
}

function conditionCard(condition) {
  const card = element("li", "", "");
  card.append(element("strong", condition.weight, condition.reason));
  card.append(element("span", "", ` ${condition.sentence}. `));
  card.append(element("span", "faint", condition.remedy));
  return card;
}

function proofText(status) {
  const { census, geometry } = status;
  if (census.provenMs === null) return "Not counted yet.";
  const at = new Date(census.provenMs).toLocaleString();
  const shortCount = census.chunkCount - (census.chunksByMissing[0] ?? 0);
  if (census.chunkCount === 0) return `No chunks were there to count at ${at}.`;
  if (shortCount === 0)
    return `All of ${counted(census.chunkCount, "chunk")} proven ${geometry.k}+${geometry.m} at ${at}.`;
  return `${shortCount.toLocaleString("en")} of ${counted(census.chunkCount, "chunk")} are short of shards, counted at ${at}.`;
}

function show(status) {
  const words = { ok: "healthy", attention: "needs attention", unavailable: "unavailable" };
  byId("health").textContent = words[status.health] ?? status.health;
  byId("health").className = `badge ${status.health}`;
  byId("summary").textContent =
    `${counted(status.usage.objectCount, "object")}, ${bytes(status.usage.sizeBytes)}, ${counted(status.usage.bucketCount, "bucket")}`;
  byId("geometry").textContent = status.geometryText;
  byId("proof").textContent = proofText(status);
  byId("drives").replaceChildren(...status.drives.map(driveCard));
  byId("conditions").replaceChildren(...status.conditions.map(conditionCard));
  byId("conditions-section").hidden = status.conditions.length === 0;
  const isUrgent = status.conditions.some(({ weight }) => weight !== "notice");
  byId("conditions-title").textContent = isUrgent ? "Needs attention" : "Good to know";
  byId("footer").textContent = `Kakera ${status.serverVersion}`;
  const endpoint = new URL(`${status.isTls ? "https" : "http"}://${location.hostname}:${status.port}`);
  fill("[data-endpoint]", endpoint.origin);
  fill("[data-host]", location.hostname);
  fill("[data-port]", String(status.port));
  fill("[data-tls]", String(status.isTls));
  fill("[data-region]", status.region);
}

function say(button, words) {
  button.textContent = words;
  setTimeout(() => (button.textContent = "Copy"), 1500);
}

/** Browsers keep navigator.clipboard for https and localhost; on a network's http the old way still works. */
async function copy(source) {
  if (navigator.clipboard !== undefined) return navigator.clipboard.writeText(source.textContent);
  getSelection().selectAllChildren(source);
  if (!document.execCommand("copy")) throw new Error("the browser does not copy");
  getSelection().removeAllRanges();
}

async function poll() {
  try {
    const answer = await fetch("status.json", { cache: "no-store" });
    show(await answer.json());
  } catch {
    byId("health").textContent = "no answer";
    byId("health").className = "badge unavailable";
  }
  setTimeout(() => void poll(), intervalMs);
}

for (const button of document.querySelectorAll("[data-copy]")) {
  button.addEventListener("click", () => {
    copy(byId(button.dataset.copy)).then(
      () => say(button, "Copied"),
      () => say(button, "Select it by hand"),
    );
  });
}
await poll();
