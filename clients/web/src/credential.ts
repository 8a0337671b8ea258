// A credential in words.
import { Child, facts, foreign, h } from "./dom";
import { day, isKey, say } from "./say";

export interface Credential {
	credentialID: string;
	status?: string;
	key: string;
	factors: string;
	validFrom?: string;
	validTo: string;
	serialNumber: string;
	subjectDN: string;
}

/** The value of the first such attribute of a name after RFC 4514, unescaped. */
export function ofName(subject: string, attribute: string): string | null {
	const found = new RegExp(`(?:^|,)\\s*${attribute}=((?:\\\\.|[^,\\\\])*)`, "i").exec(subject);

	return found?.[1] === undefined ? null : found[1].replace(/\\([0-9a-f]{2})+/gi, (bytes) =>
		decodeURIComponent(bytes.replace(/\\/g, "%"))).replace(/\\(.)/g, "$1");
}

export function holder(credential: Credential): string {
	return ofName(credential.subjectDN, "CN") ?? credential.subjectDN;
}

/** The agency, from its lowest level up. */
function agency(credential: Credential): string | null {
	const levels: string[] = [];
	let rest = credential.subjectDN;

	for (const attribute of ["OU", "O"]) {
		const every = new RegExp(`(?:^|,)\\s*${attribute}=(?:\\\\.|[^,\\\\])*`, "gi");
		for (const one of rest.match(every) ?? [])
			levels.push(ofName(one, attribute) ?? "");
	}
	return levels.length > 0 ? levels.join(", ") : null;
}

export function needsOtp(credential: Credential | null): boolean {
	return credential === null || /otp/i.test(credential.factors);
}

export function isEnabled(credential: Credential): boolean {
	return (credential.status ?? "enabled") === "enabled";
}

export function status(credential: Credential): string {
	const key = `status.${credential.status ?? "enabled"}`;

	return isKey(key) ? say(key) : credential.status ?? "";
}

export function credentialFacts(credential: Credential, ...more: [string, Child][]): HTMLElement {
	const of = agency(credential);

	return facts(
		[say("credential.holder"), foreign(holder(credential))],
		[say("credential.agency"), of && foreign(of)],
		[say("credential.serial"), credential.serialNumber],
		[say("credential.valid"), credential.validFrom
			? say("credential.from-to", { from: day(credential.validFrom), to: day(credential.validTo) })
			: say("credential.to", { to: day(credential.validTo) })],
		...more);
}

/** Several to choose from; `changed` is told which. The first is chosen at first. */
export function credentialChoice(
	offered: readonly Credential[], chosen: Credential, changed: (one: Credential) => void): HTMLElement {
	return h("fieldset", {}, h("legend", {}, say("credential.choose")), ...offered.map((each, at) => {
		const of = agency(each);
		const radio = h("input", { type: "radio", name: "credential", id: `credential-${at}`, checked: each === chosen });
		radio.addEventListener("change", () => changed(each));
		return h("div", { class: "choice" }, radio, h("label", { for: radio.id },
			h("strong", {}, say("credential.number", { number: each.serialNumber })),
			h("span", {}, foreign(holder(each))), of && h("span", {}, foreign(of)),
			h("span", {}, say("credential.until", { to: day(each.validTo) })),
			isEnabled(each) ? null : h("span", { class: "state" }, status(each))));
	}));
}
