// Starts the dashboard: finds the page of an address, draws it at most once per animation frame.

import { html, nothing, render } from "lit-html";
import { dialog } from "./actions.js";
import { badge } from "./format.js";
import { Store } from "./store.js";
import { deadLettersPage } from "./views/dead-letters.js";
import { environmentPage } from "./views/environment.js";
import { fleetPage } from "./views/fleet.js";
import { packagesPage } from "./views/packages.js";
import { promotionsPage } from "./views/promotions.js";

const PAGES = [
  ["/", "Fleet", fleetPage],
  ["/promotions", "Promotions", promotionsPage],
  ["/packages", "Packages", packagesPage],
  ["/dead-letters", "Dead letters", deadLettersPage],
];
const root = document.getElementById("app");
let drawing = false;

function changed() {
  if (drawing) return;
  drawing = true;
  requestAnimationFrame(() => {
    drawing = false;
    draw();
  });
}

const store = new Store(changed);

function pageOf(path) {
  const environment = /^\/environments\/([a-z0-9-]+)$/.exec(path)?.[1];
  if (environment) return [environment, () => environmentPage(store, environment, changed)];
  const found = PAGES.find(([address]) => address === path) ?? PAGES[0];
  return [found[1], () => found[2](store, changed)];
}

function draw() {
  const path = location.pathname;
  const [title, page] = pageOf(path);
  document.title = title === "Fleet" ? "Drydock" : `${title} - Drydock`;
  render(
    html`
      <a class="skip" href="#main">Skip to content</a>
      <header>
        <a class="brand" href="/">Drydock</a>
        <nav aria-label="Pages">${PAGES.map(([address, name]) => link(address, name, path))}</nav>
        <span class="connection" role="status" aria-label="Event stream">${badge(store.connection)}</span>
      </header>
      <main id="main" tabindex="-1">
        ${store.error ? html`<p class="problem" role="alert">${store.error.message}</p>` : nothing}
        ${store.loaded ? page() : html`<p class="quiet">Reading what the services have told ...</p>`}
      </main>
      ${dialog(store, changed)}
    `,
    root,
  );
}

function link(address, name, path) {
  const here = address === path || (address === "/" && path.startsWith("/environments/"));
  const letters = address === "/dead-letters" && store.deadLetters.length;
  return html`<a href=${address} aria-current=${here ? "page" : nothing}
    >${name}${letters ? html` <span class="count">${letters}</span>` : nothing}</a
  >`;
}

function go(address) {
  history.pushState(null, "", address);
  draw();
  scrollTo(0, 0);
  document.getElementById("main").focus({ preventScroll: true });
}

document.addEventListener("click", (event) => {
  const anchor = event.target.closest("a[href^='/']");
  const plain = event.button === 0 && !event.ctrlKey && !event.metaKey && !event.shiftKey && !event.altKey;
  if (!anchor || !plain || anchor.pathname.startsWith("/api/")) return;
  event.preventDefault();
  go(anchor.pathname);
});
addEventListener("popstate", changed);
// A browser may keep a page that was left, with its stream; it has only six connections for all pages together.
addEventListener("pagehide", () => store.stop());
addEventListener("pageshow", (event) => event.persisted && store.start());
// What takes time grows while it is looked at.
setInterval(() => document.visibilityState === "visible" && changed(), 1000);

draw();
store.start();
