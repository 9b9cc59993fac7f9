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
  card.append(element("span", "faint", `${drive.shardCount.toLocaleString("en")} shards`));
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
  if (census.provenMs === null) return "Not counted yet since the start.";
  const at = new Date(census.provenMs).toLocaleString();
  const shortCount = census.chunkCount - (census.chunksByMissing[0] ?? 0);
  if (shortCount === 0)
    return `All ${census.chunkCount.toLocaleString("en")} chunks proven ${geometry.k}+${geometry.m} at ${at}.`;
  return `${shortCount.toLocaleString("en")} of ${census.chunkCount.toLocaleString("en")} chunks lack shards, counted at ${at}.`;
}

function show(status) {
  const words = { ok: "healthy", attention: "needs attention", unavailable: "unavailable" };
  byId("health").textContent = words[status.health] ?? status.health;
  byId("health").className = `badge ${status.health}`;
  byId("summary").textContent =
    `${status.usage.objectCount.toLocaleString("en")} objects, ${bytes(status.usage.sizeBytes)}, ${status.usage.bucketCount} buckets`;
  byId("geometry").textContent = status.geometryText;
  byId("proof").textContent = proofText(status);
  byId("drives").replaceChildren(...status.drives.map(driveCard));
  byId("conditions").replaceChildren(...status.conditions.map(conditionCard));
  byId("conditions-section").hidden = status.conditions.length === 0;
  byId("footer").textContent = `Kakera ${status.serverVersion}`;
  const endpoint = new URL(`${status.isTls ? "https" : "http"}://${location.hostname}:${status.port}`);
  fill("[data-endpoint]", endpoint.origin);
  fill("[data-host]", location.hostname);
  fill("[data-port]", String(status.port));
  fill("[data-tls]", String(status.isTls));
  fill("[data-region]", status.region);
}

/** navigator.clipboard needs https or localhost. */
function say(button, words) {
  button.textContent = words;
  setTimeout(() => (button.textContent = "Copy"), 1500);
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
    navigator.clipboard.writeText(byId(button.dataset.copy).textContent).then(
      () => say(button, "Copied"),
      () => say(button, "Select it by hand"),
    );
  });
}
await poll();
