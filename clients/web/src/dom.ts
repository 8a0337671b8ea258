// Elements made by calls, never from text: what comes from a server or an application can only ever
// become text.

export type Child = Node | string | null | undefined | false;
type Attributes = Record<string, string | number | boolean | null | undefined>;

/** An attribute that is false, null or undefined is left out; true stands without a value. */
function attribute(element: Element, name: string, value: Attributes[string]): void {
	if (value === false || value === null || value === undefined)
		return;
	element.setAttribute(name, value === true ? "" : String(value));
}

export function h<K extends keyof HTMLElementTagNameMap>(
	tag: K, attributes: Attributes = {}, ...children: Child[]): HTMLElementTagNameMap[K] {
	const element = document.createElement(tag);

	for (const [name, value] of Object.entries(attributes))
		attribute(element, name, value);
	for (const child of children) {
		if (child)
			element.append(child);
	}
	return element;
}

export function svg(tag: string, attributes: Attributes, ...children: Element[]): SVGElement {
	const element = document.createElementNS("http://www.w3.org/2000/svg", tag);

	for (const [name, value] of Object.entries(attributes))
		attribute(element, name, value);
	element.append(...children);
	return element;
}

export function button(text: string, kind: string, onClick: () => void): HTMLButtonElement {
	const made = h("button", { type: "button", class: kind }, text);

	made.addEventListener("click", onClick);
	return made;
}

/**
 * Text of somebody else (an application's name, a document's label): marks that turn the direction
 * of writing, and those that are not seen, are shown as a sign, so that a name cannot pose as
 * another one.
 */
export function foreign(text: string): HTMLElement {
	const hidden = /[\u0000-\u001f\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]/g;

	return h("bdi", {}, text.normalize("NFC").replace(hidden, "\ufffd"));
}

export function section(title: string, ...children: Child[]): HTMLElement {
	return h("section", {}, h("h2", {}, title), ...children);
}

/** Rows of a name and what it is. A null value is no row. */
export function facts(...rows: [string, Child][]): HTMLElement {
	const list = h("dl", {});

	for (const [name, value] of rows) {
		if (value)
			list.append(h("div", {}, h("dt", {}, name), h("dd", {}, value)));
	}
	return list;
}

export function notice(kind: "info" | "good" | "warn" | "bad", ...children: Child[]): HTMLElement {
	return h("div", { class: `notice ${kind}` }, ...children);
}
