// The journeys of Tito's users: in a browser where there is one, over plain HTTP where there is none.
//   node ui.mjs URL
import { writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';

const [url] = process.argv.slice(2);
const { BROWSER = '', BROWSER_MODULE = '', SCRIPT_RESPONSE_FILE } = process.env;

const journeys = {
  async 'the page says when to leave'(open) {
    const page = await open('/');
    expect(await page.text('#best'), /^Leave at (0[6-9]|10):(00|15|30|45): \d+ minutes on the road\.$/);
  },
  async 'another journey gives another answer and is remembered'(open) {
    const page = await open('/');
    await page.choose({ home: 'Utrecht', work: 'Schiphol', weekday: 'Friday' });
    expect(await page.text('#best'), /^Leave at \d\d:\d\d: \d+ minutes on the road\.$/);
    expect(await page.text('#journeys'), /Utrecht to Schiphol on Friday: \d\d:\d\d/);
  },
  async 'the page shows which version it is'(open) {
    expect(await (await open('/')).text('#version'), /^v\d+$/);
  },
};

const { open, close, via } = BROWSER ? await inBrowser() : overHttp();
console.log(`Journeys on ${url} via ${via}`);
const results = [];
for (const [name, journey] of Object.entries(journeys)) {
  try {
    await journey(open);
    results.push({ name, passed: true });
    console.log(`  passed: ${name}`);
  } catch (error) {
    results.push({ name, passed: false, reason: error.message });
    console.log(`  FAILED: ${name}: ${error.message}`);
  }
}
await close();
const failed = results.filter(({ passed }) => !passed);
if (SCRIPT_RESPONSE_FILE)
  writeFileSync(
    SCRIPT_RESPONSE_FILE,
    JSON.stringify({ via, passed: results.length - failed.length, failed: failed.length, results }),
  );
process.exitCode = failed.length > 0 ? 1 : 0;

function expect(text, pattern) {
  if (!pattern.test(text)) throw new Error(`"${text}" is not what was expected (${pattern.source})`);
}

async function inBrowser() {
  const { chromium } = createRequire(import.meta.url)(BROWSER_MODULE);
  const browser = await chromium.launch({
    executablePath: BROWSER,
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  });
  const wrap = (page) => ({
    text: async (selector) => ((await page.locator(selector).textContent({ timeout: 5000 })) ?? '').trim(),
    async choose(values) {
      for (const [name, value] of Object.entries(values))
        await page.locator(`select[name=${name}]`).selectOption(value);
      await page.getByRole('button', { name: 'When shall I leave?' }).click();
      await page.waitForLoadState();
    },
  });
  return {
    via: `Chromium ${browser.version()} (Playwright)`,
    async open(path) {
      const page = await browser.newPage();
      await page.goto(new URL(path, url).href);
      return wrap(page);
    },
    close: () => browser.close(),
  };
}

function overHttp() {
  const load = async (path) => {
    const answer = await fetch(new URL(path, url));
    const html = await answer.text();
    if (!answer.ok) throw new Error(`${path} answered ${answer.status}`);
    return html;
  };
  const open = async (path) => {
    let html = await load(path);
    return {
      async text(selector) {
        const found = new RegExp(`id="${selector.slice(1)}"[^>]*>(.*?)</(?:p|small|ul)>`, 's').exec(html);
        if (!found) throw new Error(`There is no ${selector}`);
        return found[1]
          .replace(/<\/li>/g, '\n')
          .replace(/<[^>]+>/g, '')
          .trim();
      },
      async choose(values) {
        html = await load(`/?${new URLSearchParams({ ...values, save: 'yes' })}`);
      },
    };
  };
  return { via: 'HTTP (no browser was found)', open, close: async () => {} };
}
