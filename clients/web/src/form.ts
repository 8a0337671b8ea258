// One form: labelled fields, one try at a time, secrets gone from it after each, and what was wrong
// said beside the field and read out.
import { button, Child, h } from "./dom";
import { faultNode, waitOf } from "./fault";
import { Fault, faultOf } from "./http";
import { clock, Key, say } from "./say";

export interface Field {
	id: string;
	label: Key;
	hint?: Key;
	/** Hidden as it is typed, can be shown, and cleared after each try. */
	secret?: boolean;
	digits?: boolean;
	autocomplete: string;
	/** Codes of rsspd's that are about this field. */
	codes?: readonly string[];
	/** Must be the same as the field of that id. */
	repeats?: string;
	/** Code of ours that says why the text will not do; null: it will. */
	check?: (text: string) => string | null;
}

export interface FormSpec {
	fields: readonly Field[];
	submit: Key;
	kind?: string;
	before?: () => Child;
	others?: () => Child;
	/** Throws a Refusal. What it shows replaces the form. */
	send: (values: Record<string, string>) => Promise<void>;
	/** A refusal that is more than this form's: true when it has been dealt with. */
	elsewhere?: (fault: Fault) => boolean;
}

/** What a form remembers between two drawings. */
export class FormState {
	fault: Fault | null = null;
	field: string | null = null;
	readyAt = 0; // by performance.now()
	busy = false;
	/** The form as it is drawn now: an answer may come after the language has changed. */
	live: { refused(fault: Fault): void; settle(): void } | null = null;
}

export const PIN: Field = { id: "pin", label: "pin", secret: true, autocomplete: "off",
	codes: ["PIN_WRONG", "PIN_WEAK", "PIN_INVALID_TYPE"] };
export const OTP: Field = { id: "otp", label: "otp", hint: "otp.hint", digits: true, autocomplete: "one-time-code",
	codes: ["OTP_WRONG", "OTP_REPLAYED", "OTP_INVALID_TYPE"], check: (text) => (/^\d{6}$/.test(text) ? null : "OTP_SHAPE") };

/** PIN and passwords are taken as typed; spaces in a code come from copying. */
function valueOf(field: Field, input: HTMLInputElement): string {
	if (field.digits)
		return input.value.replace(/\s/g, "");
	return field.secret ? input.value : input.value.trim();
}

function revealer(input: HTMLInputElement, label: string): HTMLButtonElement {
	const made = button(say("show"), "plain reveal", () => {
		const hidden = input.type === "password";
		input.type = hidden ? "text" : "password";
		made.textContent = say(hidden ? "hide" : "show");
		made.setAttribute("aria-label", say(hidden ? "hide.what" : "show.what", { what: label }));
	});

	made.setAttribute("aria-label", say("show.what", { what: label }));
	made.setAttribute("aria-controls", input.id);
	return made;
}

function fieldNode(field: Field, state: FormState): HTMLElement {
	const wrong = state.field === field.id;
	const described = [field.hint && `${field.id}-hint`, wrong && `${field.id}-fault`].filter(Boolean).join(" ");
	const input = h("input", {
		id: field.id, name: field.id, type: field.secret ? "password" : "text", autocomplete: field.autocomplete,
		inputmode: field.digits && "numeric", autocapitalize: "none", autocorrect: "off", spellcheck: "false",
		maxlength: 256, required: true, "aria-invalid": wrong && "true",
		"aria-describedby": described || null,
	});

	return h("div", { class: "field" },
		h("label", { for: field.id }, say(field.label)),
		field.hint && h("p", { class: "hint", id: `${field.id}-hint` }, say(field.hint)),
		h("div", { class: "entry" }, input, field.secret && revealer(input, say(field.label))));
}

/** Stands beside its field, or on top of the form when it is about no field. */
function faultBox(fault: Fault, id: string): HTMLElement {
	return h("div", { class: "notice bad", id, tabindex: "-1", role: "alert" }, faultNode(fault));
}

function findFault(fields: readonly Field[], values: Record<string, string>): [string, Fault] | null {
	for (const field of fields) {
		const value = values[field.id] ?? "";
		const code = value === "" ? "EMPTY"
			: field.repeats !== undefined && value !== values[field.repeats] ? "MISMATCH"
			: field.check?.(value) ?? null;
		if (code !== null)
			return [field.id, { code, text: "" }];
	}
	return null;
}

class LiveForm {
	readonly node: HTMLFormElement;
	private readonly top = h("div", {});
	private readonly status = h("p", { class: "status", role: "status" });
	private readonly submit: HTMLButtonElement;
	private timer = 0;

	constructor(private readonly spec: FormSpec, private readonly state: FormState) {
		this.submit = h("button", { type: "submit", class: spec.kind ?? "primary" }, say(spec.submit));
		this.node = h("form", { novalidate: true, autocomplete: "off" }, this.top, spec.before?.(),
			...spec.fields.map((field) => fieldNode(field, state)), this.status,
			h("div", { class: "buttons" }, this.submit, spec.others?.()));
		this.node.addEventListener("submit", (event) => {
			event.preventDefault();
			void this.run();
		});
		state.live = this;
		this.tell(false);
	}

	private input(id: string): HTMLInputElement | null {
		return this.node.querySelector(`#${id}`);
	}

	private values(): Record<string, string> {
		const values: Record<string, string> = {};

		for (const field of this.spec.fields) {
			const input = this.input(field.id);
			if (input !== null)
				values[field.id] = valueOf(field, input);
		}
		return values;
	}

	private clearSecrets(): void {
		for (const field of this.spec.fields) {
			const input = this.input(field.id);
			if (input === null || !(field.secret || field.id === "otp"))
				continue;
			input.value = "";
			if (input.type === "text" && field.secret)
				input.closest(".entry")?.querySelector<HTMLButtonElement>(".reveal")?.click();
		}
	}

	private forget(): void {
		this.top.replaceChildren();
		for (const field of this.spec.fields) {
			const input = this.input(field.id);
			this.node.querySelector(`#${field.id}-fault`)?.remove();
			input?.removeAttribute("aria-invalid");
			if (field.hint)
				input?.setAttribute("aria-describedby", `${field.id}-hint`);
			else
				input?.removeAttribute("aria-describedby");
		}
	}

	/** Shows what was wrong; `move` takes the reader there. */
	private tell(move: boolean): void {
		const { fault, field } = this.state;

		this.forget();
		this.count();
		if (fault === null)
			return;
		const input = field === null ? null : this.input(field);
		const box = faultBox(fault, field === null ? "form-fault" : `${field}-fault`);
		if (input === null) {
			this.top.append(box);
		} else {
			input.closest(".field")?.append(box);
			input.setAttribute("aria-invalid", "true");
			input.setAttribute("aria-describedby", `${input.getAttribute("aria-describedby") ?? ""} ${box.id}`.trim());
		}
		if (move)
			(input ?? box).focus();
	}

	/** Until the wait is over, nothing can be sent. */
	private count(): void {
		const left = Math.ceil((this.state.readyAt - performance.now()) / 1000);

		window.clearTimeout(this.timer);
		this.submit.disabled = this.state.busy || left > 0;
		if (left > 0) {
			this.status.setAttribute("role", "timer"); // is not read out each second
			this.status.textContent = say("wait", { time: clock(left) });
			this.timer = window.setTimeout(() => this.count(), 250);
		} else {
			const waited = this.status.getAttribute("role") === "timer";
			this.status.setAttribute("role", "status");
			this.status.textContent = this.state.busy ? say("sending") : waited ? say("wait.over") : "";
		}
	}

	private fail(field: string | null, fault: Fault): void {
		this.state.fault = fault;
		this.state.field = field;
		this.state.readyAt = performance.now() + waitOf(fault) * 1000;
		this.tell(true);
	}

	private async run(): Promise<void> {
		if (this.state.busy || this.state.readyAt > performance.now())
			return;
		const values = this.values();
		const wrong = findFault(this.spec.fields, values);
		if (wrong !== null) {
			this.fail(wrong[0], wrong[1]);
			return;
		}
		this.state.busy = true;
		this.state.fault = null;
		this.tell(false);
		let fault: Fault | null = null;
		try {
			await this.spec.send(values);
		} catch (error) {
			fault = faultOf(error);
		}
		this.state.busy = false;
		this.clearSecrets();
		if (fault === null)
			this.state.live?.settle();
		else
			this.state.live?.refused(fault);
	}

	settle(): void {
		this.clearSecrets();
		this.count();
	}

	refused(fault: Fault): void {
		if (this.spec.elsewhere?.(fault)) {
			this.count();
			return;
		}
		const field = this.spec.fields.find((one) => one.codes?.includes(fault.code));
		this.clearSecrets();
		this.fail(field?.id ?? null, fault);
	}
}

export function form(spec: FormSpec, state: FormState): HTMLFormElement {
	return new LiveForm(spec, state).node;
}
