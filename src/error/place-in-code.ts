import { dirname } from 'node:path';
import { pathToFileURL } from 'node:url';

/** The engine's own modules, as they stand in a stack. */
const OWN = `${pathToFileURL(dirname(import.meta.dirname)).href}/`;

/**
 * File name, line and column in a production's code where an error was thrown: the first line of its
 * stack that is not of Node, a package or the engine.
 */
export function placeInCode(error: unknown): string | undefined {
  const stack = error instanceof Error ? (error.stack ?? '') : '';
  for (const line of stack.split('\n')) {
    const found = /(?:file:\/\/)?[^\s()]*\/([^/\s()?]+)(?:\?[^\s():]*)?:(\d+):(\d+)\)?$/.exec(line);
    if (found === null || /node:|\/node_modules\//.test(line) || line.includes(OWN)) continue;
    return `${found[1] ?? ''}:${found[2] ?? ''}:${found[3] ?? ''}`;
  }
  return undefined;
}
