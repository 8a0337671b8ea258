// Drives Chromium for the functional tests: one JSON object a line in, one a line out.
//   {"do": "open", "width": 1280, "height": 900}     a browser's window of its own: {"page": n}
//   {"do": "tab", "page": n}                          another tab with the same cookies
//   {"do": "call", "page": n, "name": "click", "arguments": ["#x"]}     any method of the page
//   {"do": "axe" | "problems" | "answer" | "frame" | "keyboard" | "pixels", "page": n, …}
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { createInterface } from "node:readline";
import { chromium } from "playwright-core";
import jsqr from "jsqr";
import { PNG } from "pngjs";

const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
	"--disable-background-networking", "--disable-component-update", "--disable-sync"];
const TIMEOUT_MS = 10000;

const browser = await chromium.launch({
	executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", headless: true, args: ARGUMENTS });
const pages = [];

function watch(page) {
	const number = pages.length;

	page.setDefaultTimeout(TIMEOUT_MS);
	pages.push({ page, problems: [] });
	// a refusal is an answer, not an error of the page
	page.on("console", (message) => {
		if (message.type() === "error" && !message.text().startsWith("Failed to load resource"))
			pages[number].problems.push(message.text());
	});
	page.on("pageerror", (error) => pages[number].problems.push(String(error)));
	return { page: number };
}

const CAN = {
	async open({ width, height, settings }) {
		const context = await browser.newContext({ viewport: { width, height }, locale: "vi-VN", ...settings });
		return watch(await context.newPage());
	},
	async tab({ page }) {
		return watch(await page.context().newPage());
	},
	async call({ page, name, arguments: given }) {
		const result = await page[name](...given);
		return { result: ["string", "number", "boolean"].includes(typeof result) || Array.isArray(result) ? result : null };
	},
	async keyboard({ page, name, arguments: given }) {
		await page.keyboard[name](...given);
		return {};
	},
	async evaluate({ page, script }) {
		return { result: (await page.evaluate(script)) ?? null };
	},
	async has({ page, text, within }) {
		await page.locator(within).filter({ hasText: text }).first().waitFor({ state: "visible" });
		return {};
	},
	async axe({ page }) {
		await page.evaluate(AXE);
		const found = await page.evaluate(() => window.axe.run(document, {
			resultTypes: ["violations"], rules: { "target-size": { enabled: true } } }));
		return { result: found.violations.map((one) => `${one.id}: ${one.nodes.map((node) => node.html).join(" | ")}`) };
	},
	async problems({ page }) {
		return { result: pages.find((one) => one.page === page).problems.splice(0) };
	},
	async answer({ page, path, status, body, after }) {
		await page.route((url) => url.pathname === path, async (route) => {
			if (after)
				await new Promise((resolve) => setTimeout(resolve, after));
			if (status === 0)
				await route.abort();
			else
				await route.fulfill({ status, contentType: "application/json", body: JSON.stringify(body) });
		});
		return {};
	},
	async unanswer({ page }) {
		await page.unrouteAll();
		return {};
	},
	async cookie({ page, cookie }) {
		await page.context().addCookies([cookie]);
		return {};
	},
	async posts({ page, path }) {
		const entry = pages.find((one) => one.page === page);
		if (entry.posts === undefined) {
			entry.posts = [];
			page.on("request", (request) => {
				if (request.method() === "POST")
					entry.posts.push(new URL(request.url()).pathname);
			});
		}
		return { result: entry.posts.filter((one) => one === path).length };
	},
	async fetched({ page, url }) {
		const answer = await page.context().request.get(url);
		return { result: answer.ok() ? (await answer.body()).toString("base64") : null };
	},
	async qr({ page, selector }) {
		const picture = PNG.sync.read(await page.locator(selector).screenshot());
		const code = jsqr(new Uint8ClampedArray(picture.data), picture.width, picture.height);
		return { result: code?.data ?? null };
	},
	async close({ page }) {
		await page.context().close();
		return {};
	},
};

for await (const line of createInterface({ input: process.stdin })) {
	const asked = JSON.parse(line);
	let answer;
	try {
		const page = asked.page === undefined ? undefined : pages[asked.page].page;
		answer = await CAN[asked.do]({ ...asked, page });
	} catch (error) {
		answer = { error: String(error.message ?? error) };
	}
	process.stdout.write(`${JSON.stringify(answer)}\n`);
}
await browser.close();
