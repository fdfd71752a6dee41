import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { type BrowserContextOptions, chromium, type Page } from 'playwright-core';
import { findBrowser } from '../src/demo/browser.ts';
import { removeTree } from '../src/host/processes.ts';

const root = join(import.meta.dirname, '..');
const unpacked = mkdtempSync(join(tmpdir(), 'millrace-browser-'));
process.on('exit', () => removeTree(unpacked));
const found = await findBrowser(root, unpacked);

/** Why journeys through the pages cannot be made here; false where they can. */
export const withoutBrowser: string | false = found.executable ? false : `There is no browser: ${found.said}`;
if (withoutBrowser && process.env.CI) throw new Error(withoutBrowser);

/** A page of a real Chromium. What it logs as an error, and every exception, is told at the end. */
export async function openPage(
  t: TestContext,
  url: string,
  options: BrowserContextOptions = {},
): Promise<{ page: Page; faults: string[] }> {
  const browser = await chromium.launch({
    executablePath: found.executable,
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
      '--no-first-run',
    ],
  });
  t.after(() => browser.close());
  const context = await browser.newContext({ baseURL: url, ...options });
  const page = await context.newPage();
  page.setDefaultTimeout(15_000);
  const faults: string[] = [];
  page.on('pageerror', (error) => faults.push(error.message));
  return { page, faults };
}
