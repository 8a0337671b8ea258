// QR codes (ISO/IEC 18004): text in byte mode, error correction L, mask 0, versions 1 to 12. The
// otpauth address of an authenticator goes from the screen into a phone without being typed.
import { svg } from "./dom";

interface Version {
	codewords: number;
	perBlock: number; // error correction codewords
	blocks: number;
	alignment: readonly number[];
}

/** Tables 1, 9 and E.1, level L; the first is version 1. */
const VERSIONS: readonly Version[] = ([
	[26, 7, 1, []], [44, 10, 1, [6, 18]], [70, 15, 1, [6, 22]], [100, 20, 1, [6, 26]], [134, 26, 1, [6, 30]],
	[172, 18, 2, [6, 34]], [196, 20, 2, [6, 22, 38]], [242, 24, 2, [6, 24, 42]], [292, 30, 2, [6, 26, 46]],
	[346, 18, 4, [6, 28, 50]], [404, 20, 4, [6, 30, 54]], [466, 24, 4, [6, 32, 58]],
] as const).map(([codewords, perBlock, blocks, alignment]) => ({ codewords, perBlock, blocks, alignment }));

function room(version: Version): number {
	return version.codewords - version.perBlock * version.blocks;
}

function dataCodewords(bytes: Uint8Array, version: Version, number: number): Uint8Array {
	const bits: number[] = [];
	const out = new Uint8Array(room(version));
	const put = (value: number, width: number): void => {
		for (let i = width - 1; i >= 0; i--)
			bits.push((value >> i) & 1);
	};

	put(4, 4); // byte mode
	put(bytes.length, number < 10 ? 8 : 16);
	bytes.forEach((one) => put(one, 8));
	bits.forEach((bit, at) => { out[at >> 3]! |= bit << (7 - (at & 7)); });
	for (let at = (bits.length + 11) >> 3, pad = 0xec; at < out.length; at++, pad ^= 0xec ^ 0x11)
		out[at] = pad;
	return out;
}

/** In GF(256) modulo x^8 + x^4 + x^3 + x^2 + 1. */
function multiply(a: number, b: number): number {
	let product = 0;

	for (let i = 7; i >= 0; i--)
		product = (product << 1) ^ ((product >> 7) * 0x11d) ^ (((b >> i) & 1) * a);
	return product;
}

function generator(degree: number): number[] {
	const terms: number[] = new Array(degree).fill(0);
	let root = 1;

	terms[degree - 1] = 1;
	for (let i = 0; i < degree; i++) {
		for (let k = 0; k < degree; k++)
			terms[k] = multiply(terms[k]!, root) ^ (terms[k + 1] ?? 0);
		root = multiply(root, 2);
	}
	return terms;
}

function correction(data: Uint8Array, terms: readonly number[]): number[] {
	const rest: number[] = new Array(terms.length).fill(0);

	for (const one of data) {
		const factor = one ^ rest.shift()!;
		rest.push(0);
		terms.forEach((term, at) => { rest[at]! ^= multiply(term, factor); });
	}
	return rest;
}

/** Blocks, the longer ones last, read across: first bytes first, then their corrections. */
function interleaved(data: Uint8Array, version: Version): number[] {
	const shorter = Math.floor(data.length / version.blocks);
	const longerFrom = version.blocks - (data.length % version.blocks);
	const terms = generator(version.perBlock);
	const blocks: Uint8Array[] = [];
	const out: number[] = [];

	for (let b = 0, from = 0; b < version.blocks; b++) {
		const end = from + shorter + (b >= longerFrom ? 1 : 0);
		blocks.push(data.subarray(from, end));
		from = end;
	}
	for (let i = 0; i <= shorter; i++)
		blocks.forEach((block) => { if (i < block.length) out.push(block[i]!); });
	const corrections = blocks.map((block) => correction(block, terms));
	for (let i = 0; i < version.perBlock; i++)
		corrections.forEach((one) => out.push(one[i]!));
	return out;
}

/** value followed by the remainder of its division: the codes of format and version. */
function withRemainder(value: number, divisor: number, degree: number): number {
	let rest = value << degree;

	for (let bit = 20; bit >= degree; bit--) {
		if ((rest >> bit) & 1)
			rest ^= divisor << (bit - degree);
	}
	return (value << degree) | rest;
}

class Drawing {
	readonly size: number;
	readonly dark: boolean[][];
	private readonly fixed: boolean[][];

	constructor(private readonly number: number) {
		this.size = 17 + 4 * number;
		const rows = (): boolean[][] => Array.from({ length: this.size }, () => new Array<boolean>(this.size).fill(false));
		this.dark = rows();
		this.fixed = rows();
		this.marks();
	}

	private set(row: number, column: number, dark: boolean): void {
		this.dark[row]![column] = dark;
		this.fixed[row]![column] = true;
	}

	/** Squares in squares: a finder (reach 4, with its separator) or an alignment mark (2). */
	private square(row: number, column: number, reach: number): void {
		for (let r = Math.max(0, row - reach); r <= Math.min(this.size - 1, row + reach); r++) {
			for (let c = Math.max(0, column - reach); c <= Math.min(this.size - 1, column + reach); c++) {
				const ring = Math.max(Math.abs(r - row), Math.abs(c - column));
				this.set(r, c, reach === 4 ? ring !== 2 && ring !== 4 : ring !== 1);
			}
		}
	}

	private marks(): void {
		const last = this.size - 7;
		const centres = VERSIONS[this.number - 1]!.alignment;

		for (let i = 8; i < this.size - 8; i++) {
			this.set(6, i, i % 2 === 0);
			this.set(i, 6, i % 2 === 0);
		}
		this.square(3, 3, 4);
		this.square(3, this.size - 4, 4);
		this.square(this.size - 4, 3, 4);
		for (const row of centres) {
			for (const column of centres) {
				if (!((row === 6 && (column === 6 || column === last)) || (row === last && column === 6)))
					this.square(row, column, 2);
			}
		}
		this.format();
		this.version();
	}

	/** Level L with mask 0, twice, and the module that is always dark. */
	private format(): void {
		const code = withRemainder(1 << 3, 0x537, 10) ^ 0x5412;

		for (let i = 0; i < 15; i++) {
			const dark = ((code >> i) & 1) === 1;
			this.set(i < 6 ? i : i < 8 ? i + 1 : this.size - 15 + i, 8, dark);
			this.set(8, i < 8 ? this.size - 1 - i : i === 8 ? 7 : 14 - i, dark);
		}
		this.set(this.size - 8, 8, true);
	}

	private version(): void {
		const code = withRemainder(this.number, 0x1f25, 12);

		for (let i = 0; this.number >= 7 && i < 18; i++) {
			const dark = ((code >> i) & 1) === 1;
			this.set(Math.floor(i / 3), this.size - 11 + (i % 3), dark);
			this.set(this.size - 11 + (i % 3), Math.floor(i / 3), dark);
		}
	}

	/** Two columns at a time from the right, up and down in turn, past the timing column. */
	data(codewords: readonly number[]): void {
		let at = 0;
		let up = true;

		for (let right = this.size - 1; right > 0; right -= 2) {
			if (right === 6)
				right--;
			for (let i = 0; i < this.size; i++) {
				const row = up ? this.size - 1 - i : i;
				for (const column of [right, right - 1]) {
					if (this.fixed[row]![column])
						continue;
					const bit = ((codewords[at >> 3] ?? 0) >> (7 - (at & 7))) & 1;
					this.dark[row]![column] = (bit === 1) !== ((row + column) % 2 === 0);
					at++;
				}
			}
			up = !up;
		}
	}
}

/** Rows of dark modules; null: the text is too long. */
export function qrModules(text: string): boolean[][] | null {
	const bytes = new TextEncoder().encode(text);
	const at = VERSIONS.findIndex((version, index) => bytes.length + (index < 9 ? 2 : 3) <= room(version));
	const version = VERSIONS[at];

	if (version === undefined)
		return null;
	const drawing = new Drawing(at + 1);
	drawing.data(interleaved(dataCodewords(bytes, version, at + 1), version));
	return drawing.dark;
}

/** Black on white whatever the page's colours, with the quiet zone of 4 modules. */
export function qrPicture(text: string, title: string): SVGElement | null {
	const rows = qrModules(text);

	if (rows === null)
		return null;
	const size = rows.length + 8;
	const path = rows.map((row, y) => row.map((dark, x) => (dark ? `M${x + 4} ${y + 4}h1v1h-1z` : "")).join("")).join("");
	return svg("svg", { viewBox: `0 0 ${size} ${size}`, class: "qr", role: "img", "aria-label": title, "shape-rendering": "crispEdges" },
		svg("path", { fill: "#fff", d: `M0 0h${size}v${size}h-${size}z` }), svg("path", { fill: "#000", d: path }));
}
