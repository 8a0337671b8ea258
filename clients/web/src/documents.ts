// The documents of a request: one, or five hundred.
import { foreign, h } from "./dom";
import { say } from "./say";

export interface DocumentHash {
	label?: string;
	hash: string;
	hashAlgorithm: string;
}

const SEARCHED_FROM = 8;

const NAMES: Record<string, string> = {
	"2.16.840.1.101.3.4.2.1": "SHA-256", "2.16.840.1.101.3.4.2.2": "SHA-384", "2.16.840.1.101.3.4.2.3": "SHA-512",
	"2.16.840.1.101.3.4.2.8": "SHA3-256", "2.16.840.1.101.3.4.2.9": "SHA3-384", "2.16.840.1.101.3.4.2.10": "SHA3-512",
};

/** As sha256sum and its like write it. */
function hex(base64: string): string {
	try {
		const bytes = atob(base64.replace(/-/g, "+").replace(/_/g, "/"));
		return Array.from(bytes, (one) => one.charCodeAt(0).toString(16).padStart(2, "0")).join("");
	} catch {
		return base64;
	}
}

/** Keeps its number when others are hidden. */
function entry(document: DocumentHash, at: number): HTMLLIElement {
	const value = hex(document.hash);
	const short = value.length > 20 ? `${value.slice(0, 8)}…${value.slice(-8)}` : value;
	const algorithm = NAMES[document.hashAlgorithm] ?? document.hashAlgorithm;

	return h("li", { value: at + 1 },
		h("span", { class: "label" }, document.label ? foreign(document.label) : h("em", {}, say("documents.unnamed"))),
		h("details", {},
			h("summary", {}, algorithm, " ", h("code", {}, short)),
			h("code", { class: "whole" }, value)));
}

/** Without case or tone marks, so that "ky 1" finds "Kỳ 1". */
function folded(text: string): string {
	return text.normalize("NFD").replace(/[\u0300-\u036f]/g, "").replace(/đ/gi, "d").toLowerCase();
}

export function documentList(documents: readonly DocumentHash[]): HTMLElement {
	const list = h("ol", {}, ...documents.map(entry));
	const items = Array.from(list.children) as HTMLLIElement[];
	const texts = documents.map((document) => folded(`${document.label ?? ""} ${hex(document.hash)}`));
	const many = documents.length > SEARCHED_FROM;
	const region = h("div", many
		? { class: "documents many", tabindex: "0", role: "region", "aria-label": say("documents", { n: documents.length }) }
		: { class: "documents" }, list);

	if (!many)
		return region;
	const found = h("p", { class: "hint", role: "status" });
	const search = h("input", { id: "search", type: "search", autocomplete: "off", spellcheck: "false" });
	search.addEventListener("input", () => {
		const wanted = folded(search.value.trim());
		let count = 0;
		items.forEach((item, at) => {
			item.hidden = !(texts[at] ?? "").includes(wanted);
			count += item.hidden ? 0 : 1;
		});
		found.textContent = wanted === "" ? "" : say("documents.found", { n: count, of: documents.length });
	});
	return h("div", {}, h("div", { class: "field" }, h("label", { for: "search" }, say("documents.search")),
		h("div", { class: "entry" }, search), found), region);
}
