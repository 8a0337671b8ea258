// Who is signed in, and the form that signs in.
import { Child, h } from "./dom";
import { form, Field, FormState } from "./form";
import { Fault, get, post, rememberCsrf } from "./http";
import { Key, say } from "./say";
import { addressNotice, show } from "./frame";

interface Session {
	signedIn: boolean;
	name?: string;
	csrfToken?: string;
}

const LOGIN: Field = { id: "login", label: "login", hint: "login.hint", autocomplete: "username" };
const PASSWORD: Field = { id: "password", label: "password", secret: true, autocomplete: "current-password" };

/** The name of who is signed in; null: nobody. */
export async function readSession(): Promise<string | null> {
	const session = await get<Session>("/account/v1/session");

	rememberCsrf(session.csrfToken);
	return session.signedIn ? session.name ?? "" : null;
}

export async function signOut(): Promise<void> {
	await post("/account/v1/sign-out", {});
	rememberCsrf("");
}

/** The session is over, or was replaced in another tab. */
export function isSessionFault(fault: Fault): boolean {
	return fault.code === "SESSION_ENDED" || fault.code === "CSRF_INVALID";
}

interface SignIn {
	title: Key;
	/** Said above the form: who asks, or that a session has ended. */
	before: () => Child;
	done: () => Promise<void>;
	others?: () => Child;
}

export function showSignIn(spec: SignIn): void {
	const state = new FormState();

	async function send(values: Record<string, string>): Promise<void> {
		const session = await post<Session>("/account/v1/sign-in",
			{ login: values["login"] ?? "", password: values["password"] ?? "" });
		rememberCsrf(session.csrfToken);
		await spec.done();
	}
	show(spec.title, () => h("div", { class: "card" },
		h("h1", {}, say(spec.title)),
		spec.before(),
		addressNotice(),
		form({ fields: [LOGIN, PASSWORD], submit: "sign-in", send,
			...(spec.others ? { others: spec.others } : {}) }, state),
		h("p", { class: "hint" }, say("sign-in.no-power")),
		h("p", { class: "hint" }, say("sign-in.forgotten"))));
}
