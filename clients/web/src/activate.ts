// Activation: the code from the mail, then a PIN and a password of one's own, then the authenticator.
import { button, h, notice } from "./dom";
import { NEW_PASSWORD, NEW_PIN, PASSWORD_AGAIN, PIN_AGAIN } from "./account_changes";
import { Field, form, FormState } from "./form";
import { addressNotice, show } from "./frame";
import { post } from "./http";
import { qrPicture } from "./qr";
import { Key, say } from "./say";

interface Activated {
	userID: string;
	credentialID: string;
	otpauth?: string;
	certificate: string;
}

const CODE: Field = { id: "code", label: "code", hint: "code.hint", autocomplete: "off", codes: ["ACTIVATION_REFUSED"] };
const IDENTITY: Field = { id: "identity", label: "identity", hint: "identity.hint", digits: true, autocomplete: "off" };

function steps(now: number): HTMLElement {
	const names: Key[] = ["step.identity", "step.authenticator", "step.done"];

	return h("ol", { class: "steps" }, ...names.map((name, at) =>
		h("li", { "aria-current": at === now && "step" }, say(name))));
}

function keepHere(event: BeforeUnloadEvent): void {
	event.preventDefault();
	event.returnValue = "";
}

function showDone(): void {
	window.removeEventListener("beforeunload", keepHere);
	show("activate.done", () => h("div", { class: "card" }, h("h1", {}, say("activate.done")), steps(2),
		notice("good", h("p", {}, say("activate.done.text"))),
		h("p", {}, h("a", { href: "/account" }, say("activate.account")))));
}

/** In groups of four, as they are typed from a screen. */
function grouped(secret: string): string {
	return secret.replace(/(.{4})(?=.)/g, "$1 ");
}

function secretOf(otpauth: string): string {
	return new URLSearchParams(otpauth.slice(otpauth.indexOf("?"))).get("secret") ?? "";
}

/** Shown once: rsspd keeps the secret sealed and gives it to nobody again. */
function showAuthenticator(otpauth: string): void {
	window.addEventListener("beforeunload", keepHere);
	show("activate.authenticator", () => {
		const picture = qrPicture(otpauth, say("qr"));
		return h("div", { class: "card" },
			h("h1", {}, say("activate.authenticator")), steps(1),
			notice("warn", h("p", {}, say("activate.once"))),
			h("p", {}, say("activate.scan")),
			picture === null ? null : h("div", { class: "qr-frame" }, picture),
			h("p", {}, say("activate.same-phone"), " ", h("a", { href: otpauth }, say("activate.open"))),
			h("p", { id: "secret-label" }, say("activate.type")),
			h("p", { class: "secret" }, h("code", { "aria-labelledby": "secret-label" }, grouped(secretOf(otpauth)))),
			h("p", { class: "hint" }, say("activate.settings")),
			h("div", { class: "buttons" }, button(say("activate.added"), "primary", showDone)));
	});
}

async function send(values: Record<string, string>): Promise<void> {
	const activated = await post<Activated>("/activation/v1/activate", {
		code: values["code"] ?? "", identityNumber: values["identity"] ?? "",
		PIN: values["new-pin"] ?? "", password: values["new-password"] ?? "",
	});

	if (activated.otpauth)
		showAuthenticator(activated.otpauth);
	else
		showDone();
}

export function activatePage(): void {
	const state = new FormState();

	show("activate.title", () => h("div", { class: "card" },
		h("h1", {}, say("activate.title")), steps(0),
		h("p", { class: "lead" }, say("activate.lead")),
		addressNotice(),
		form({ fields: [CODE, IDENTITY, NEW_PIN, PIN_AGAIN, NEW_PASSWORD, PASSWORD_AGAIN], submit: "activate", send }, state)));
}
