// Plays the demo and watches it in a browser as people would, from the sign-in to the run that fails; then stops it. Keeps
// pictures in dist/screenshots: npm run demo-pages [-- --profile container --kill --seed 1]
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { openPage } from './browser.ts';

const root = join(import.meta.dirname, '..');
const given = process.argv.slice(2);
const profile = given[given.indexOf('--profile') + 1] ?? '';
const pictures = join(
  root,
  'dist',
  'screenshots',
  `${given.includes('--profile') ? profile : 'process'}-${given.includes('--kill') ? 'killed' : 'calm'}`,
);
mkdirSync(pictures, { recursive: true });
const cleanUp: (() => unknown)[] = [];
const later = { after: (work: () => unknown) => void cleanUp.unshift(work) };

const demo = spawn(process.execPath, [join(root, 'src/millrace.mjs'), 'demo', '--keep', ...given], {
  stdio: ['ignore', 'pipe', 'inherit'],
});
const ended = new Promise<number | null>((resolve) => demo.once('exit', resolve));
let said = '';
demo.stdout.on('data', (chunk) => {
  said += chunk;
  process.stdout.write(chunk);
});
// How long a run takes is the machine's affair: what ends the watching early is the end of the demo, not a clock.
const stopped = ended.then((status) =>
  Promise.reject(new Error(`The demo ended with ${status} while it was watched.`)),
);
try {
  await Promise.race([watch(), stopped]);
} catch (thrown) {
  process.exitCode = 1;
  process.stderr.write(`${String(thrown)}\n`);
} finally {
  stopped.catch(() => {});
  for (const work of cleanUp) await work();
  demo.kill('SIGINT');
}
const code = await ended;
if (code !== 0) process.stderr.write(`The demo ended with ${code}.\n`);
else if (!process.exitCode) process.stdout.write(`✔ The pages showed all of it; pictures are in ${pictures}.\n`);
process.exit(code === 0 ? (process.exitCode ?? 0) : 1);

async function watch(): Promise<void> {
  const [, url, password] = await says(/Watch it in a browser: (\S+) \(user admin, password (\w[^)]*)\)/);
  const { page, faults } = await openPage(later as never, url!, { viewport: { width: 1280, height: 900 } });
  page.setDefaultTimeout(600_000);
  // A server that is being killed resets the connection; people load the page again.
  while (
    await page.goto('/').then(
      () => false,
      () => true,
    )
  )
    await new Promise((resolve) => setTimeout(resolve, 200));
  await page.getByLabel('User name').fill('admin');
  await page.getByLabel('Password').fill(password!);
  await signIn(page);
  await page.getByRole('link', { name: 'Release Tito #1' }).click();
  await page.getByRole('button', { name: /^Load test, SSH: running/ }).click();
  await page.getByRole('log').filter({ hasText: /p95/ }).waitFor();
  await page.getByRole('img', { name: /^load\.p95_ms: / }).waitFor();
  // Of both web machines. What Apache says of itself comes late where all its workers are busy, as they are meant to be.
  await page.getByRole('img', { name: /^web\.(load\.shortterm|busy_workers): .* .*, .* .* now/ }).waitFor();
  await picture(page, 'v1-load-test');
  await ends(page, 'completed');
  await picture(page, 'v1-completed');

  await page.getByRole('navigation', { name: 'Where you are' }).getByRole('link', { name: 'Executions' }).click();
  await page.getByRole('link', { name: 'Release Tito #2' }).click();
  await ends(page, 'completed');
  await page.getByRole('button', { name: /^Approve scale-out, UserOperation: completed/ }).click();
  await page.getByText('Answered by the demo').first().waitFor();
  await picture(page, 'v2-completed');

  await page.getByRole('navigation', { name: 'Where you are' }).getByRole('link', { name: 'Executions' }).click();
  await page.getByRole('link', { name: 'Release Tito #3' }).click();
  await ends(page, 'failed');
  await page
    .getByRole('log')
    .filter({ hasText: /FAILED: the page says when to leave/ })
    .waitFor();
  await picture(page, 'v3-failed');
  await page.getByRole('navigation', { name: 'Where you are' }).getByRole('link', { name: 'Executions' }).click();
  await page.getByRole('row', { name: /failed Release Tito #3.*v3: tidy up the page/ }).waitFor();
  await picture(page, 'list');
  await page.setViewportSize({ width: 390, height: 844 });
  await page.emulateMedia({ colorScheme: 'dark' });
  await picture(page, 'list-narrow-dark');
  assert.deepEqual(faults, [], 'The pages threw.');
  await says(/Still up:/);
}

async function says(form: RegExp): Promise<RegExpExecArray> {
  for (;;) {
    const found = form.exec(said);
    if (found) return found;
    if (demo.exitCode !== null) throw new Error(`The demo ended before it said ${form.source}.`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** As often as it takes: a server that is killed at that moment says so, and people press the button again. */
async function signIn(page: Page): Promise<void> {
  const signedIn = page.getByRole('button', { name: 'Sign out' });
  for (let tries = 0; tries < 20; tries++) {
    await page.getByRole('button', { name: 'Sign in' }).click();
    const outcome = signedIn.or(page.locator('.fault:not(:empty)'));
    await outcome.first().waitFor();
    if (await signedIn.isVisible()) return;
    await new Promise((resolve) => setTimeout(resolve, 300));
  }
  throw new Error('The way in stayed closed.');
}

/** However it ends: who waited for a good end alone would learn of a bad one from the clock. The first facts are those of the run. */
async function ends(page: Page, status: string): Promise<void> {
  const end = page
    .locator('.facts')
    .first()
    .locator('.status', { hasText: /completed|failed|canceled/ });
  await end.waitFor();
  assert.match((await end.textContent()) ?? '', new RegExp(`${status}$`));
}

async function picture(page: Page, name: string): Promise<void> {
  await page.screenshot({ path: join(pictures, `${name}.png`), fullPage: true });
}
