import { limitHeapGrowth } from '../../src/cli/own-process.ts';

/**
 * Run with --expose-gc: makes objects that live for a while, like messages, and others that stay;
 * prints the size of the heap as a multiple of what stays.
 */
if (process.argv[2] === 'limited') limitHeapGrowth();

const one = (n: number): object => ({ n, text: `${n} ${'y'.repeat(40)}`, list: [n, { n }] });
const used = (): number => process.memoryUsage().heapUsed;

const staying = Array.from({ length: 60_000 }, (_, n) => one(n));
globalThis.gc?.();
const start = used();
let most = 0;
const passing: object[] = [];
for (let n = 0; n < 900_000; n++) {
  passing.push(one(n));
  if (passing.length > 60_000) passing.splice(0, 30_000);
  if (n % 5_000 === 0) most = Math.max(most, used());
}
process.stdout.write(`${staying.length > 0 ? most / start : 0}\n`);
