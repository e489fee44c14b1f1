import { vi } from 'vitest';

/** A busy machine is slow, not wrong: what has to become so is given ten seconds instead of one. */
const PATIENCE = 10_000;

const { waitFor } = vi;
vi.waitFor = (callback, options) =>
  waitFor(callback, typeof options === 'number' ? options : { timeout: PATIENCE, ...options });
