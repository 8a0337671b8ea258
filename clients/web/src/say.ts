// The words of the pages: one table a language, with the same keys; the compiler compares them.
import { en } from "./words/en";
import { vi } from "./words/vi";

export type Key = keyof typeof vi;
export type Lang = "vi" | "en";

const TABLES: Record<Lang, Record<Key, string>> = { vi, en };
const KEPT = "rssp-lang";

function kept(): string | null {
	try {
		return sessionStorage.getItem(KEPT);
	} catch {
		return null;
	}
}

/** What was chosen in this tab, then `lang` of the address, then Vietnamese. */
function chosen(): Lang {
	const wanted = kept() ?? new URLSearchParams(location.search).get("lang") ?? "vi";

	return /^en\b/i.test(wanted) ? "en" : "vi";
}

let lang: Lang = chosen();

export function language(): Lang {
	return lang;
}

export function choose(next: Lang): void {
	lang = next;
	try {
		sessionStorage.setItem(KEPT, next);
	} catch {
		// without storage the choice lasts as long as the page
	}
}

export function isKey(key: string): key is Key {
	return Object.prototype.hasOwnProperty.call(vi, key);
}

/** {name} in the text becomes what `values` holds. */
export function say(key: Key, values: Record<string, string | number> = {}): string {
	return TABLES[lang][key].replace(/\{(\w+)\}/g, (whole, name: string) => String(values[name] ?? whole));
}

const ZONE = "Asia/Ho_Chi_Minh";

function locale(): string {
	return lang === "vi" ? "vi-VN" : "en-GB";
}

/** What rsspd sends as a time (RFC 3339, or CSC's GeneralizedTime), as a day of Vietnam. */
function moment(text: string): Date | null {
	const general = /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)Z$/.exec(text);
	const at = new Date(general ? `${general[1]}-${general[2]}-${general[3]}T${general[4]}:${general[5]}:${general[6]}Z` : text);

	return Number.isNaN(at.getTime()) ? null : at;
}

export function day(text: string): string {
	return moment(text)?.toLocaleDateString(locale(), { timeZone: ZONE, day: "2-digit", month: "2-digit", year: "numeric" }) ?? text;
}

export function dayAndTime(text: string): string {
	return moment(text)?.toLocaleString(locale(), { timeZone: ZONE, day: "2-digit", month: "2-digit",
		year: "numeric", hour: "2-digit", minute: "2-digit", second: "2-digit" }) ?? text;
}

/** 90 → 1:30 */
export function clock(seconds: number): string {
	return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
}
