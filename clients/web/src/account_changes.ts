// Changing the PIN or the password, and signing out everywhere: each asks for an OTP.
import { Child, h, notice } from "./dom";
import { Credential, credentialChoice, credentialFacts, isEnabled, needsOtp } from "./credential";
import { Field, form, FormState, OTP, PIN } from "./form";
import { show, View } from "./frame";
import { Fault, post } from "./http";
import { isSessionFault } from "./session";
import { Key, say } from "./say";

export type Change = "pin" | "password" | "everywhere";

/** What the account page lends. */
interface Around {
	again: (why: Key) => void;
	dealWith: (fault: Fault) => void;
	framed: (title: Key, ...children: Child[]) => HTMLElement;
}

export const NEW_PASSWORD: Field = { id: "new-password", label: "password.new", hint: "password.hint", secret: true,
	autocomplete: "new-password", codes: ["PASSWORD_WEAK"],
	check: (text) => (Array.from(text).length < 10 ? "PASSWORD_SHORT" : null) };
export const PASSWORD_AGAIN: Field = { id: "password-again", label: "password.again", secret: true,
	autocomplete: "new-password", repeats: "new-password" };
export const NEW_PIN: Field = { id: "new-pin", label: "pin.new", hint: "pin.rule", secret: true, autocomplete: "off",
	codes: ["PIN_WEAK"], check: (text) => (Array.from(text).length < 6 ? "PIN_SHORT" : null) };
export const PIN_AGAIN: Field = { id: "pin-again", label: "pin.again", secret: true, autocomplete: "off",
	repeats: "new-pin" };

const OLD_PIN: Field = { ...PIN, label: "pin.old", codes: ["PIN_WRONG", "PIN_INVALID_TYPE"] };
const OLD_PASSWORD: Field = { id: "password", label: "password.old", secret: true, autocomplete: "current-password",
	codes: ["PASSWORD_WRONG", "SIGN_IN_REFUSED"] };

const PATHS: Record<Change, string> = {
	pin: "/account/v1/change-pin", password: "/account/v1/change-password", everywhere: "/account/v1/sign-out-everywhere",
};
const DONE: Record<Change, Key> = { pin: "pin.changed", password: "password.changed", everywhere: "signed-out.everywhere" };
const LEAD: Record<Change, Key> = { pin: "pin.lead", password: "password.lead", everywhere: "everywhere.lead" };
const SUBMIT: Record<Change, Key> = { pin: "pin.change", password: "password.change", everywhere: "everywhere.do" };

/** What proves it is its owner: the OTP, or the PIN of a credential that has none. */
function fieldsOf(change: Change, credential: Credential): Field[] {
	const proof: Field[] = needsOtp(credential) ? [OTP] : change === "pin" ? [] : [PIN];
	const own: Record<Change, Field[]> = {
		pin: [OLD_PIN, NEW_PIN, PIN_AGAIN], password: [OLD_PASSWORD, NEW_PASSWORD, PASSWORD_AGAIN], everywhere: [],
	};

	return [...own[change], ...proof];
}

function bodyOf(credential: Credential, values: Record<string, string>): Record<string, string> {
	const names: Record<string, string> = {
		pin: "PIN", "new-pin": "newPIN", otp: "OTP", password: "password", "new-password": "newPassword",
	};
	const body: Record<string, string> = { credentialID: credential.credentialID };

	for (const [id, value] of Object.entries(values)) {
		const name = names[id];
		if (name !== undefined)
			body[name] = value;
	}
	return body;
}

export function changeView(change: Change, all: readonly Credential[], around: Around): View {
	const state = new FormState();
	const title: Key = `account.${change}`;
	const credentials = all.filter(isEnabled);
	let chosen = credentials[0];

	async function send(values: Record<string, string>): Promise<void> {
		if (chosen === undefined)
			return;
		await post(PATHS[change], bodyOf(chosen, values));
		if (change === "everywhere")
			around.again(DONE[change]);
		else
			show(title, () => around.framed(title, notice("good", h("p", {}, say(DONE[change])))));
	}
	function elsewhere(fault: Fault): boolean {
		if (isSessionFault(fault))
			around.dealWith(fault);
		return isSessionFault(fault);
	}
	return () => {
		if (chosen === undefined)
			return around.framed(title, notice("warn", h("p", {}, say("credential.none-usable"))));
		return around.framed(title, h("p", {}, say(LEAD[change])),
			credentials.length === 1 ? credentialFacts(chosen) : credentialChoice(credentials, chosen, (one) => { chosen = one; }),
			form({ fields: fieldsOf(change, chosen), submit: SUBMIT[change], send, elsewhere }, state));
	};
}
