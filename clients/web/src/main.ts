import { accountPage } from "./account";
import { activatePage } from "./activate";
import { consentPage } from "./consent";
import { problemPage } from "./problem";

const PAGES: Record<string, () => void> = {
	account: accountPage, activate: activatePage, consent: consentPage, problem: problemPage,
};

PAGES[document.body.dataset["page"] ?? ""]?.();
