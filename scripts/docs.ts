// Writes docs/reference from the definitions. A test finds pages that are no longer true.
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pages } from './reference.ts';

const directory = join(import.meta.dirname, '..', 'docs', 'reference');
rmSync(directory, { recursive: true, force: true });
mkdirSync(directory, { recursive: true });
for (const [name, text] of Object.entries(pages())) writeFileSync(join(directory, name), text);
process.stdout.write(`${Object.keys(pages()).length} pages in docs/reference.\n`);
