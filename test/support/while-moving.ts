import { setTimeout as sleep } from 'node:timers/promises';

const LOOK = 200;

/** What a look finds. */
export interface Look {
  /** What is awaited and not there yet. */
  readonly left: readonly unknown[];
  /** What shows that something goes on; `left` as well. */
  readonly moved?: unknown;
}

/**
 * Waits until nothing is left. Rejects once nothing has moved for `still` milliseconds: how long all of it takes says how
 * fast the machine is, and not whether anything stands still.
 */
export async function whileMoving(look: () => Look | Promise<Look>, still: number): Promise<void> {
  let last = '';
  for (let stood = 0; stood <= still; stood += LOOK) {
    const found = await seen(look);
    if (found.left.length === 0) return;
    const now = JSON.stringify(found);
    if (now !== last) stood = 0;
    last = now;
    await sleep(LOOK);
  }
  throw new Error(`what stands still: ${last}`);
}

/** Where nobody can look, that is what is left. */
async function seen(look: () => Look | Promise<Look>): Promise<Look> {
  try {
    return await look();
  } catch (error) {
    return { left: [String(error)] };
  }
}
