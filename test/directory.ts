import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { unmountUnder } from '../src/host/mounts.ts';

/** A directory of this test's own, removed with everything in it when the test is over. */
export function temporaryDirectory(t: { after: TestContext['after'] }): string {
  const directory = mkdtempSync(join(tmpdir(), 'millrace-test-'));
  t.after(() => {
    unmountUnder(directory);
    rmSync(directory, { recursive: true, force: true, maxRetries: 5 });
  });
  return directory;
}
