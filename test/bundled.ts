import type { TestProject } from 'vitest/node';
import { BUNDLE, bundle } from './support/program.ts';

/**
 * A global setup: threads that tests start in their own process begin with the bundle too (see threads.ts). Not while
 * files are watched: it is made once.
 */
export default async function bundled({ vitest }: TestProject): Promise<void> {
  if (!vitest.config.watch) process.env[BUNDLE] ??= await bundle();
}
