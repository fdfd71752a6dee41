import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';

/** A process that holds 100 MB of objects, lets go of them, and then does what is said; it prints its heap in MB, before and after. */
const program = (restsBelow: number, looks: number, meanwhile: string) => `
  import { getHeapStatistics } from 'node:v8';
  import { giveBackAtRest } from '${join(import.meta.dirname, 'spare-memory.ts')}';
  const heap = () => Math.round(getHeapStatistics().total_heap_size / 2 ** 20);
  let held = Array.from({ length: 1_000_000 }, (_, index) => ({ index, text: 'x' + index }));
  const most = heap();
  held = undefined;
  giveBackAtRest({ every: 50, restsBelow: ${restsBelow}, looks: ${looks}, worth: 24 * 2 ** 20 });
  ${meanwhile}
  console.log(JSON.stringify({ most, left: heap() }));`;

function heapsOf(restsBelow: number, looks: number, meanwhile: string): { most: number; left: number } {
  const { stdout, stderr } = spawnSync(
    process.execPath,
    ['--input-type=module-typescript', '-e', program(restsBelow, looks, meanwhile)],
    {
      encoding: 'utf8',
      timeout: 60_000,
    },
  );
  assert.equal(stderr, '');
  return JSON.parse(stdout);
}

test('a process that rests gives back the memory that it does not need any more', () => {
  const { most, left } = heapsOf(
    0.9,
    2,
    'while (heap() > most / 3) await new Promise((resolve) => setTimeout(resolve, 10));',
  );
  assert.ok(left <= most / 3, `${most} MB, then ${left} MB`);
});

test('a process that is busy is not held up by that', () => {
  // Whatever it uses is more than this.
  const { most, left } = heapsOf(0, 1, 'await new Promise((resolve) => setTimeout(resolve, 300));');
  assert.ok(left > most / 3, `${most} MB, then ${left} MB`);
});

test('a pause is no rest', () => {
  const { most, left } = heapsOf(0.9, 100, 'await new Promise((resolve) => setTimeout(resolve, 300));');
  assert.ok(left > most / 3, `${most} MB, then ${left} MB`);
});
