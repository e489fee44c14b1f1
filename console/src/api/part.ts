import { type ComponentType, type LazyExoticComponent, lazy, useEffect } from 'react';
import { isAway } from './away.ts';
import { ask } from './client.ts';
import { missPart } from './upgrade.ts';

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

/** What browsers say of a script that is not there, each in its words. */
const GONE = /dynamically imported module|Importing a module script failed/;

/**
 * A dialog or another piece that is loaded when it is first shown. One that is gone with an upgrade shows nothing, and
 * the page says why: it stays, with what was typed in it.
 */
export function lazyPart<Props, Name extends string>(
  load: () => Promise<{ readonly [N in Name]: ComponentType<Props> }>,
  name: Name,
): LazyExoticComponent<ComponentType<Props>> {
  return lazy(async () => {
    try {
      return { default: (await part(load))[name] };
    } catch (error) {
      if (error instanceof Error && GONE.test(error.message)) return { default: Gone };
      throw error;
    }
  });
}

/** Loads a part before it is opened. */
export function ahead(load: () => Promise<unknown>): void {
  // whoever opens it is told why it does not come
  load().catch(() => undefined);
}

function Gone(): null {
  useEffect(missPart, []);
  return null;
}

const isServerAway = (): Promise<boolean> =>
  ask('GET /sign-in/methods').then(
    () => false,
    (error: unknown) => isAway(error),
  );
