import { existsSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';

/** What a process compiled is kept for the next: the tests start hundreds of them. */
export const COMPILED = join(import.meta.dirname, '../node_modules/.cache/compiled');

/** Files that may lie there; the product with all tests has a third of them. */
const MANY = 30_000;

/** A global setup: test files are compiled under a new name in each run, and nobody removes what earlier runs left. */
export default function bounded(): void {
  if (!existsSync(COMPILED)) return;
  const count = readdirSync(COMPILED, { recursive: true }).length;
  if (count > MANY) rmSync(COMPILED, { recursive: true, force: true });
}
