// Refusals in words: what happened, what it means for what was asked, what to do next.
import { h } from "./dom";
import { Fault, NO_ANSWER } from "./http";
import { isKey, Key, say } from "./say";

/** Seconds until the authenticator shows its next code (RFC 6238: every 30 seconds). */
function untilNextOtp(): number {
	return 30 - (Math.floor(Date.now() / 1000) % 30);
}

/** How long nothing should be sent again. */
export function waitOf(fault: Fault): number {
	return fault.wait ?? (fault.code === "OTP_REPLAYED" ? untilNextOtp() : 0);
}

function key(fault: Fault): Key {
	const own = `fault.${fault.code}`;

	if (fault.code === NO_ANSWER)
		return "fault.NO_ANSWER";
	return isKey(own) ? own : "fault.other";
}

/** Our own words; rsspd's, which it sends in the page's language, where we have none or where they
 * carry the reason. */
export function faultText(fault: Fault): string {
	const own = key(fault);

	if (own === "fault.other" && fault.text !== "")
		return fault.text;
	return say(own, { code: fault.code });
}

/** A policy's refusal comes with its reason and the other way to sign. */
export function faultReason(fault: Fault): string | null {
	const reasoned = ["POLICY_DENIED", "POLICY_WAIT", "PIN_WEAK"];

	return reasoned.includes(fault.code) && fault.text !== "" ? fault.text : null;
}

export function faultNode(fault: Fault): DocumentFragment {
	const node = document.createDocumentFragment();
	const reason = faultReason(fault);

	node.append(h("p", {}, faultText(fault)));
	if (reason !== null && fault.code !== "PIN_WEAK")
		node.append(h("p", { class: "reason" }, reason));
	if (fault.code === "POLICY_DENIED")
		node.append(h("p", {}, say("policy.alternative")));
	if (fault.tries !== undefined && fault.tries > 0)
		node.append(h("p", {}, h("strong", {}, say("tries.left", { n: fault.tries }))));
	if (fault.tries === 0)
		node.append(h("p", {}, say("fault.PIN_LOCKED")));
	if (fault.tries === 1)
		node.append(h("p", {}, say("tries.last")));
	return node;
}
