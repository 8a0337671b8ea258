// My account: what I sign with, what was signed, and what I can change.
import { button, Child, facts, foreign, h, notice } from "./dom";
import { changeView } from "./account_changes";
import { Credential, credentialFacts, status } from "./credential";
import { faultNode } from "./fault";
import { show, showWaiting } from "./frame";
import { Fault, faultOf, get } from "./http";
import { isSessionFault, readSession, showSignIn, signOut } from "./session";
import { dayAndTime, Key, say } from "./say";

interface Signature {
	at: string;
	client: string;
	agency: string;
	credentialID: string;
	count: number;
	labels?: string[];
}

interface Signatures {
	signatures: Signature[];
	next?: string;
}

/** Places within the page: #credentials, #signatures, … */
const PLACES = ["credentials", "signatures", "pin", "password", "everywhere"] as const;
type Place = typeof PLACES[number];

let person = "";
let credentials: Credential[] = [];
let listed: Signatures = { signatures: [] };

function place(): Place {
	const asked = location.hash.slice(1);

	return PLACES.find((one) => one === asked) ?? "credentials";
}

function navigation(): HTMLElement {
	return h("nav", { "aria-label": say("account.places") }, h("ul", {}, ...PLACES.map((one) =>
		h("li", {}, h("a", { href: `#${one}`, "aria-current": one === place() && "page" }, say(`account.${one}`))))));
}

function leaveNode(): HTMLElement {
	const leave = button(say("sign-out"), "plain", () => {
		signOut().then(() => showSignInAgain("signed-out"), (error) => dealWith(faultOf(error)));
	});

	return h("p", { class: "who" }, say("signed-in-as"), " ", h("strong", {}, foreign(person)), " ", leave);
}

function framed(title: Key, ...children: Child[]): HTMLElement {
	return h("div", { class: "card" }, leaveNode(), navigation(), h("h1", {}, say(title)), ...children);
}

// -- what there is --

function credentialsView(): Node {
	if (credentials.length === 0)
		return framed("account.credentials", notice("info", h("p", {}, say("credential.none"))));
	return framed("account.credentials", ...credentials.map((one) => h("section", { class: "item" },
		credentialFacts(one,
			[say("credential.status"), h("strong", { class: `state ${one.status ?? ""}` }, status(one))],
			[say("credential.factors"), say(/otp/i.test(one.factors) ? "factors.both" : "factors.pin")]),
		one.status === "locked" ? notice("warn", h("p", {}, say("fault.PIN_LOCKED"))) : null)));
}

function signatureNode(one: Signature): HTMLElement {
	const labels = one.labels ?? [];
	const credential = credentials.find((each) => each.credentialID === one.credentialID);

	return h("section", { class: "item" }, facts(
		[say("signature.at"), dayAndTime(one.at)],
		[say("client"), foreign(one.client)],
		[say("client.agency"), foreign(one.agency)],
		[say("signature.count"), String(one.count)],
		[say("credential.serial"), credential?.serialNumber ?? null]),
	labels.length === 0 ? null : h("details", {}, h("summary", {}, say("documents", { n: labels.length })),
		h("ol", {}, ...labels.map((label) => h("li", {}, foreign(label))))));
}

function signaturesView(): Node {
	const more = listed.next === undefined ? null
		: h("div", { class: "buttons" }, button(say("signatures.more"), "secondary", () => void readMore()));

	return framed("account.signatures", h("p", { class: "hint" }, say("signatures.hint")),
		listed.signatures.length === 0 ? notice("info", h("p", {}, say("signatures.none"))) : null,
		...listed.signatures.map(signatureNode), more);
}

async function readMore(): Promise<void> {
	try {
		const read = await get<Signatures>("/account/v1/signatures",
			listed.next === undefined ? {} : { before: listed.next });
		const from = listed.signatures.length;
		listed = { ...read, signatures: [...listed.signatures, ...read.signatures] };
		show("account.signatures", signaturesView);
		const first = document.querySelectorAll<HTMLElement>("section.item")[from];
		if (from > 0 && first !== undefined) {
			first.tabIndex = -1;
			first.focus();
		}
	} catch (error) {
		dealWith(faultOf(error));
	}
}

// -- getting there --

export function dealWith(fault: Fault): void {
	if (isSessionFault(fault)) {
		showSignInAgain("session.ended.account");
		return;
	}
	show("account.fault", () => h("div", { class: "card" }, h("h1", {}, say("account.fault")),
		notice("bad", faultNode(fault)),
		h("div", { class: "buttons" }, button(say("again"), "primary", () => void load(null)))));
}

function showSignInAgain(why: Key | null): void {
	listed = { signatures: [] };
	credentials = [];
	showSignIn({
		title: "account.title",
		before: () => (why === null ? h("p", { class: "lead" }, say("account.lead")) : notice("info", h("p", {}, say(why)))),
		done: () => load(null),
	});
}

async function showPlace(): Promise<void> {
	const now = place();

	if (now === "credentials") {
		show("account.credentials", credentialsView);
	} else if (now === "signatures") {
		listed = { signatures: [] };
		await readMore();
	} else {
		const view = changeView(now, credentials, { again: showSignInAgain, dealWith, framed });
		show(`account.${now}`, view);
	}
}

async function load(why: Key | null): Promise<void> {
	try {
		const name = await readSession();
		if (name === null) {
			showSignInAgain(why);
			return;
		}
		person = name;
		credentials = (await get<{ credentials: Credential[] }>("/account/v1/credentials")).credentials;
		await showPlace();
	} catch (error) {
		dealWith(faultOf(error));
	}
}

export function accountPage(): void {
	showWaiting();
	void load(null);
	window.addEventListener("hashchange", () => void load(null));
	window.addEventListener("pageshow", (event) => {
		if (event.persisted)
			void load(null);
	});
}
