// What every page has: the name of the service, the choice of language, and one view at a time.
import { button, h, svg } from "./dom";
import { choose, Key, language, say } from "./say";

/** Draws a state from what it closes over: again when the language changes. */
export type View = () => Node;

interface Shown {
	title: Key;
	view: View;
}

let shown: Shown | null = null;

function part(id: string): HTMLElement {
	const element = document.getElementById(id);

	if (element === null)
		throw new Error(`the page has no #${id}`);
	return element;
}

export function serviceName(): string {
	return document.body.dataset["service"] || location.host;
}

function shield(): SVGElement {
	const around = svg("path", { fill: "currentColor", d: "M16 1.5 28 6v9.5c0 7-5 12.5-12 15-7-2.5-12-8-12-15V6z" });
	const tick = svg("path", { fill: "none", class: "tick", "stroke-width": 3, "stroke-linecap": "round",
		"stroke-linejoin": "round", d: "m10 16 4.5 4.5L22.5 12" });

	return svg("svg", { viewBox: "0 0 32 32", width: 36, height: 36, "aria-hidden": "true" }, around, tick);
}

function languages(): HTMLElement {
	const other = language() === "vi" ? "en" : "vi";
	const change = button(other === "en" ? "English" : "Tiếng Việt", "plain", () => {
		choose(other);
		redraw();
		document.getElementById("language")?.focus();
	});

	change.lang = other;
	change.id = "language";
	return change;
}

function drawFrame(): void {
	document.documentElement.lang = language();
	const skip = h("a", { class: "skip", href: "#main" }, say("skip"));
	const name = h("div", { class: "service" }, h("strong", {}, serviceName()), h("span", {}, say("service")));

	skip.addEventListener("click", (event) => {
		event.preventDefault();
		part("main").focus();
	});
	part("top").replaceChildren(skip, h("div", { class: "bar" }, shield(), name, languages()));
	part("foot").replaceChildren(h("p", {}, say("foot")));
}

/** What was typed stays when the words around it change. */
function typed(): Map<string, string> {
	const values = new Map<string, string>();

	for (const input of Array.from(part("main").querySelectorAll("input"))) {
		if (input.type === "radio") {
			if (input.checked)
				values.set(input.id, "checked");
		} else if (input.id) {
			values.set(input.id, input.value);
		}
	}
	return values;
}

function retype(values: Map<string, string>): void {
	for (const [id, value] of values) {
		const input = document.getElementById(id);
		if (!(input instanceof HTMLInputElement))
			continue;
		if (input.type === "radio")
			input.checked = true;
		else
			input.value = value;
		input.dispatchEvent(new Event("input"));
	}
}

function draw(): void {
	if (shown === null)
		return;
	document.title = `${say(shown.title)} – ${serviceName()}`;
	drawFrame();
	part("main").replaceChildren(shown.view());
}

function redraw(): void {
	const values = typed();

	draw();
	retype(values);
}

/** Who reads with the ears is taken to the new view's heading. */
export function show(title: Key, view: View): void {
	const first = shown === null;

	shown = { title, view };
	draw();
	window.scrollTo(0, 0);
	if (first)
		return;
	const heading = part("main").querySelector("h1");
	if (heading !== null) {
		heading.tabIndex = -1;
		heading.focus();
	}
}

export function showWaiting(): void {
	shown = null;
	drawFrame();
	part("main").replaceChildren(h("p", { role: "status" }, say("waiting")));
}

/** The address to compare with what the browser shows. */
export function addressNotice(): HTMLElement {
	return h("div", { class: "notice info" },
		h("p", {}, say("address.look")),
		h("p", { class: "address" }, h("bdi", {}, `https://${location.host}/`)),
		h("p", {}, say("address.nobody")));
}
