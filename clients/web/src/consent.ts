// An application asks; its user signs in, sees what is asked, approves it or not.
import { button, Child, facts, foreign, h, notice, section } from "./dom";
import { Credential, credentialChoice, credentialFacts, isEnabled, needsOtp } from "./credential";
import { DocumentHash, documentList } from "./documents";
import { faultNode } from "./fault";
import { Field, form, FormState, OTP, PIN } from "./form";
import { addressNotice, show, showWaiting } from "./frame";
import { Fault, faultOf, get, post } from "./http";
import { isSessionFault, readSession, showSignIn, signOut } from "./session";
import { clock, Key, say } from "./say";

interface Asked {
	client: string;
	agency: string;
	scope: string;
	state: "pending" | "approved" | "declined" | "expired";
	signedIn: boolean;
	name?: string;
	otherExpected?: boolean; // the application has somebody else before it, it says
	expiresInSeconds?: number;
	credential?: Credential;
	credentials?: Credential[];
	numSignatures?: number;
	documents?: DocumentHash[];
	description?: string;
}

const handle = new URLSearchParams(location.search).get("request") ?? "";
let endsAt = 0; // by performance.now()
let ending = 0;

// -- ends --

function showEnd(title: Key, kind: "info" | "good" | "warn" | "bad", ...words: Key[]): void {
	window.clearInterval(ending);
	show(title, () => h("div", { class: "card" }, h("h1", {}, say(title)),
		notice(kind, ...words.map((word) => h("p", {}, say(word))))));
}

const ENDS: Record<Exclude<Asked["state"], "pending">, () => void> = {
	approved: () => showEnd("approved.title", "good", "approved.text", "approved.not-you"),
	declined: () => showEnd("declined.title", "info", "declined.text"),
	expired: () => showEnd("expired.title", "warn", "expired.text"),
};

/** What stands in the way of showing the request at all. */
function showFault(fault: Fault, again: () => void): void {
	window.clearInterval(ending);
	show("consent.fault", () => h("div", { class: "card" }, h("h1", {}, say("consent.fault")),
		notice("bad", faultNode(fault), h("p", {}, say("nothing-approved"))),
		h("div", { class: "buttons" }, button(say("again"), "primary", again))));
}

/** The answer's address was checked by rsspd; that it is no script is checked here too. */
function leave(redirect: string, title: Key): void {
	const target = new URL(redirect);

	if (["javascript:", "data:", "blob:", "about:", "file:"].includes(target.protocol))
		throw new Error("not an address to return to");
	window.clearInterval(ending);
	show(title, () => h("div", { class: "card" }, h("h1", {}, say(title)),
		notice("good", h("p", {}, say("returning"))),
		h("p", {}, h("a", { href: redirect }, say("returning.link")))));
	location.replace(redirect);
}

// -- what is asked --

function whoAsks(asked: Asked): HTMLElement {
	return facts(
		[say("client"), h("strong", {}, foreign(asked.client))],
		[say("client.agency"), foreign(asked.agency)],
		[say("description"), asked.description ? foreign(asked.description) : null]);
}

function signedInAs(asked: Asked): HTMLElement {
	const leaveSession = button(say("sign-out"), "plain", () => {
		signOut().then(() => load(), (error) => showFault(faultOf(error), () => void load()));
	});

	return h("p", { class: "who" }, say("signed-in-as"), " ", h("strong", {}, foreign(asked.name ?? "")), " ", leaveSession);
}

function timeLeft(): HTMLElement {
	const left = h("span", { role: "timer" });
	const warning = h("p", { class: "status", role: "status" });

	function tick(): void {
		const seconds = Math.max(0, Math.ceil((endsAt - performance.now()) / 1000));
		left.textContent = clock(seconds);
		if (seconds <= 60 && warning.textContent === "")
			warning.textContent = say("ends.soon");
		if (seconds === 0)
			ENDS.expired();
	}
	window.clearInterval(ending);
	ending = window.setInterval(tick, 1000);
	tick();
	return h("div", { class: "ends" }, h("p", {}, say("ends.in"), " ", left), warning);
}

/** What is to sign: the one that the application named, or that its owner chooses. */
interface Chosen {
	one: Credential | undefined;
}

function credentialPart(asked: Asked, chosen: Chosen): Child {
	const offered = asked.credentials ?? [];
	const one = asked.credential ?? (offered.length === 1 ? offered[0] : undefined);

	if (one !== undefined)
		return section(say("credential"), credentialFacts(one),
			isEnabled(one) ? null : notice("bad", h("p", {}, say("fault.CREDENTIAL_DISABLED"))));
	if (offered.length === 0)
		return notice("bad", h("p", {}, say("credential.none")), h("p", {}, say("credential.none.do")));
	return credentialChoice(offered, chosen.one ?? offered[0]!, (changed) => { chosen.one = changed; });
}

function documentPart(asked: Asked): Child {
	const documents = asked.documents ?? [];

	if (documents.length === 0)
		return null;
	return section(say("documents", { n: documents.length }), h("p", { class: "hint" }, say("documents.labels")),
		documentList(documents));
}

// -- deciding --

async function decline(): Promise<void> {
	const answer = await post<{ redirect: string }>("/consent/v1/decline", { request: handle });

	leave(answer.redirect, "declined.title");
}

/** Declining has no field to fill in, and works once, as approving does. */
function declineButton(state: FormState): HTMLButtonElement {
	const made = button(say("decline"), "secondary", () => {
		if (state.busy)
			return;
		state.busy = true;
		made.disabled = true;
		decline().catch((error) => {
			state.busy = false;
			made.disabled = false;
			const fault = faultOf(error);
			if (elsewhere(fault))
				return;
			if (state.live === null)
				showFault(fault, () => void load());
			else
				state.live.refused(fault);
		});
	});

	return made;
}

/** What another tab has done meanwhile, the end of the session or of the request: the request is
 * read again and tells. */
function elsewhere(fault: Fault): boolean {
	if (isSessionFault(fault)) {
		void load("session.ended");
		return true;
	}
	if (/^(REQUEST|CONSENT|AUTHORIZATION)_/.test(fault.code) || fault.code === "CONFLICT") {
		void load();
		return true;
	}
	return false;
}

function decisionForm(asked: Asked, chosen: Chosen, state: FormState): HTMLFormElement {
	const service = asked.scope === "service";
	const pin: Field = { ...PIN, hint: "pin.hint" };
	const fields = service ? [] : needsOtp(chosen.one ?? null) ? [pin, OTP] : [pin];

	async function send(values: Record<string, string>): Promise<void> {
		const body: Record<string, string> = { request: handle };
		if (!service) {
			body["PIN"] = values["pin"] ?? "";
			if (values["otp"] !== undefined)
				body["OTP"] = values["otp"];
			if (chosen.one !== undefined)
				body["credentialID"] = chosen.one.credentialID;
		}
		const answer = await post<{ redirect: string }>("/consent/v1/approve", body);
		leave(answer.redirect, "approved.title");
	}
	return form({ fields, submit: service ? "service.approve" : "approve", send, elsewhere,
		before: () => (service ? null : h("h2", {}, say("approve.title"))),
		others: () => declineButton(state) }, state);
}

/** Who has nothing to sign with can only decline. */
function decision(asked: Asked, chosen: Chosen, state: FormState): Child[] {
	if (asked.scope !== "service" && chosen.one === undefined)
		return [timeLeft(), h("div", { class: "buttons" }, declineButton(state))];
	return [meaning(asked), asked.scope === "service" ? null : addressNotice(), timeLeft(), decisionForm(asked, chosen, state)];
}

function meaning(asked: Asked): HTMLElement {
	if (asked.scope === "service")
		return notice("warn", h("p", {}, say("service.meaning")), h("p", {}, say("service.no-power")));
	return notice("warn", h("p", {}, say("meaning", { n: asked.numSignatures ?? asked.documents?.length ?? 1 })),
		h("p", {}, say("meaning.law")), h("p", {}, say("meaning.unknown")));
}

function lead(asked: Asked): HTMLElement {
	const count = asked.numSignatures ?? asked.documents?.length ?? 1;

	return asked.scope === "service" ? h("p", { class: "lead" }, say("service.lead"))
		: h("p", { class: "lead" }, say("consent.lead", { n: count }));
}

function showRequest(asked: Asked, why: Key | null): void {
	const state = new FormState();
	const chosen: Chosen = { one: asked.credential ?? asked.credentials?.find(isEnabled) ?? asked.credentials?.[0] };
	const title: Key = asked.scope === "service" ? "service.title" : "consent.title";

	show(title, () => h("div", { class: "card" },
		h("h1", {}, say(title)),
		why === null ? null : notice("warn", h("p", {}, say(why))),
		signedInAs(asked),
		asked.otherExpected ? notice("bad", h("p", {}, say("consent.other", { name: asked.name ?? "" }))) : null,
		lead(asked),
		whoAsks(asked),
		asked.scope === "service" ? null : credentialPart(asked, chosen),
		documentPart(asked),
		...decision(asked, chosen, state)));
}

function showConsentSignIn(asked: Asked, why: Key | null): void {
	const state = new FormState();

	showSignIn({
		title: "sign-in.title",
		before: () => h("div", {},
			why === null ? null : notice("warn", h("p", {}, say(why))),
			h("p", { class: "lead" }, say(asked.scope === "service" ? "sign-in.for-service" : "sign-in.for-signing")),
			whoAsks(asked)),
		done: () => load(),
		others: () => declineButton(state),
	});
}

async function read(why: Key | null): Promise<void> {
	const name = await readSession();
	const asked = await get<Asked>("/consent/v1/request", { request: handle });

	endsAt = performance.now() + (asked.expiresInSeconds ?? 600) * 1000;
	if (asked.state !== "pending")
		ENDS[asked.state]();
	else if (name === null || !asked.signedIn)
		showConsentSignIn(asked, why);
	else
		showRequest(asked, why === null ? null : "session.changed");
}

async function load(why: Key | null = null): Promise<void> {
	window.clearInterval(ending);
	try {
		await read(why);
	} catch (error) {
		const fault = faultOf(error);
		if (fault.code === "CONSENT_EXPIRED")
			showEnd("unknown.title", "warn", "unknown.text");
		else
			showFault(fault, () => void load(why));
	}
}

export function consentPage(): void {
	showWaiting();
	if (handle === "") {
		showEnd("unknown.title", "warn", "unknown.text");
		return;
	}
	void load();
	// the back button may bring this page back as it was left
	window.addEventListener("pageshow", (event) => {
		if (event.persisted)
			void load();
	});
}
