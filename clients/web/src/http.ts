// What the pages ask of rsspd: JSON, same origin, nothing kept by the browser.
import { language } from "./say";

/** Why something was not done. `code` is the name in rsspd's list of errors, or one of ours below. */
export interface Fault {
	code: string;
	text: string;
	tries?: number;
	wait?: number;
}

/** Nobody answered: what was asked may, or may not, have been done. */
export const NO_ANSWER = "NO_ANSWER";

export class Refusal extends Error {
	constructor(readonly fault: Fault) {
		super(fault.code);
	}
}

/** Proves to rsspd that a POST comes from this page (X-CSRF-Token). */
let csrf = "";

export function rememberCsrf(token: string | undefined): void {
	csrf = token ?? "";
}

function refused(body: Record<string, unknown>, answer: Response): Refusal {
	const fault: Fault = {
		code: typeof body["code"] === "string" ? body["code"] : `HTTP_${answer.status}`,
		text: typeof body["error_description"] === "string" ? body["error_description"] : "",
	};
	const wait = Number(body["retryAfter"] ?? answer.headers.get("Retry-After") ?? NaN);

	if (typeof body["triesLeft"] === "number")
		fault.tries = body["triesLeft"];
	if (Number.isFinite(wait) && wait > 0)
		fault.wait = Math.ceil(wait);
	return new Refusal(fault);
}

async function ask<T>(path: string, init: RequestInit): Promise<T> {
	const headers = { Accept: "application/json", "Accept-Language": language(), ...init.headers };
	let answer: Response;
	let body: Record<string, unknown> = {};

	try {
		answer = await fetch(path, { ...init, headers, cache: "no-store", credentials: "same-origin", redirect: "error" });
		body = await answer.json();
	} catch {
		throw new Refusal({ code: NO_ANSWER, text: "" });
	}
	if (!answer.ok)
		throw refused(body, answer);
	return body as unknown as T;
}

export function get<T>(path: string, query: Record<string, string> = {}): Promise<T> {
	return ask<T>(`${path}?${new URLSearchParams({ ...query, lang: language() })}`, { method: "GET" });
}

export function post<T>(path: string, body: Record<string, string>): Promise<T> {
	return ask<T>(path, {
		method: "POST",
		headers: { "Content-Type": "application/json", ...(csrf ? { "X-CSRF-Token": csrf } : {}) },
		body: JSON.stringify({ ...body, lang: language() }),
	});
}

export function faultOf(error: unknown): Fault {
	if (error instanceof Refusal)
		return error.fault;
	console.error(error);
	return { code: "PAGE", text: "" };
}
