import { dirname } from 'node:path';
import { pathToFileURL } from 'node:url';
import { stackOf } from './unexpected.ts';

/** The engine's own modules, as they stand in a stack. */
const OWN = `${pathToFileURL(dirname(import.meta.dirname)).href}/`;

/**
 * File name, line and column in a production's code where an error was thrown: the first line of its
 * stack that is not of Node, a package or the engine. Its text is left out: it may quote a body, and be as long.
 */
export function placeInCode(error: unknown): string | undefined {
  for (const line of stackOf(error)) {
    const found = /(?:file:\/\/)?[^\s()]*\/([^/\s()?]+)(?:\?[^\s():]*)?:(\d+):(\d+)\)?$/.exec(line);
    if (found === null || /node:|\/node_modules\//.test(line) || line.includes(OWN)) continue;
    return `${found[1] ?? ''}:${found[2] ?? ''}:${found[3] ?? ''}`;
  }
  return undefined;
}
