import { isAway } from './away.ts';
import { ask } from './client.ts';

/** Milliseconds. */
const AGAIN = 3_000;

/**
 * Loads a part of the console. While the server is away it waits until it is back: the router would load the page again,
 * and what is shown would be lost. Throws if the server is there but not that part: it has been upgraded.
 */
export async function part<Module>(load: () => Promise<Module>): Promise<Module> {
  for (;;) {
    try {
      return await load();
    } catch (error) {
      if (!(await isServerAway())) throw error;
      await new Promise((resolve) => setTimeout(resolve, AGAIN));
    }
  }
}

const isServerAway = (): Promise<boolean> =>
  ask('GET /sign-in/methods').then(
    () => false,
    (error: unknown) => isAway(error),
  );
