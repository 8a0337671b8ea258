// What is shown when an application's request cannot even be answered to the application.
import { h, notice } from "./dom";
import { show } from "./frame";
import { isKey, say } from "./say";

/** Only rsspd, or a name of its list: no words come from the address. */
function code(): string {
	const given = document.body.dataset["code"] || new URLSearchParams(location.search).get("code") || "";

	return /^[A-Z0-9_]{1,40}$/.test(given) ? given : "";
}

function explanation(): string {
	const own = `problem.${code()}`;

	return isKey(own) ? say(own) : document.body.dataset["text"] || say("problem.other");
}

/** Ours for now, and nobody's mistake. */
const OURS = ["TOO_MANY", "UNAVAILABLE", "STORE_DOWN", "INTERNAL"];

export function problemPage(): void {
	show("problem.title", () => h("div", { class: "card" },
		h("h1", {}, say("problem.title")),
		notice("bad", h("p", {}, explanation()), h("p", {}, say("problem.nothing"))),
		OURS.includes(code()) ? null : h("p", {}, say("problem.do")),
		code() === "" ? null : h("p", { class: "hint" }, say("problem.code"), " ", h("code", {}, code()))));
}
