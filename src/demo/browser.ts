import { existsSync, mkdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { delimiter, join } from 'node:path';

export interface Browser {
  executable: string;
  /** The module that drives it. */
  module: string;
  /** For people; where there is none, why. */
  said: string;
}

const names = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'];

/** An installed browser, else the one that an npm package brings for Linux on x64, else none. */
export async function findBrowser(root: string, directory: string): Promise<Browser> {
  const require = createRequire(join(root, 'package.json'));
  const module = resolveOrEmpty(require, 'playwright-core');
  if (!module) return { executable: '', module: '', said: 'none: playwright-core is not installed' };
  const installed = (process.env.PATH ?? '')
    .split(delimiter)
    .flatMap((path) => names.map((name) => join(path, name)))
    .find((path) => existsSync(path));
  if (installed) return { executable: installed, module, said: `installed: ${installed}` };
  if (process.platform !== 'linux' || process.arch !== 'x64')
    return {
      executable: '',
      module: '',
      said: `none is installed, and npm brings none for ${process.platform}-${process.arch}`,
    };
  const unpacked = await unpack(directory);
  return unpacked
    ? { executable: unpacked, module, said: 'from the npm package @sparticuz/chromium' }
    : { executable: '', module: '', said: 'none is installed, and the npm package @sparticuz/chromium is missing' };
}

/** The package unpacks into the directory for temporary files, which is ours for that moment, so that nothing stays behind. */
async function unpack(directory: string): Promise<string | undefined> {
  mkdirSync(directory, { recursive: true });
  const before = process.env.TMPDIR;
  process.env.TMPDIR = directory;
  try {
    const { default: chromium } = await import('@sparticuz/chromium');
    return await chromium.executablePath();
  } catch {
    return undefined;
  } finally {
    if (before === undefined) delete process.env.TMPDIR;
    else process.env.TMPDIR = before;
  }
}

function resolveOrEmpty(require: NodeJS.Require, name: string): string {
  try {
    return require.resolve(name);
  } catch {
    return '';
  }
}
